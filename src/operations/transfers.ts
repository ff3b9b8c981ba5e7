/**
 * Bytes on their way in or out: the body of a request, handed to the operation that works with
 * it. They live in memory only. When the server dies the connection dies with it, so a restarted
 * operation finds nothing here, and is undone.
 */
import { Refusal } from "../domain/fault.ts"
import type { OperationId } from "../domain/ids.ts"
import type { ByteSink, ByteSource } from "../engines/engine.ts"

export type Transfers = ReturnType<typeof newTransfers>

export function newTransfers() {
  const sources = new Map<OperationId, ByteSource>()
  const sinks = new Map<OperationId, ByteSink>()
  return {
    offerSource: (operation: OperationId, source: ByteSource) => {
      sources.set(operation, source)
    },
    offerSink: (operation: OperationId, sink: ByteSink) => {
      sinks.set(operation, sink)
    },
    source: (operation: OperationId): ByteSource => taken(sources, operation, "the upload"),
    sink: (operation: OperationId): ByteSink => taken(sinks, operation, "the download"),
    forget: (operation: OperationId) => {
      sources.delete(operation)
      sinks.delete(operation)
    },
  }
}

/** A body can be read once, so it can be taken once. */
function taken<T>(bodies: Map<OperationId, T>, operation: OperationId, what: string): T {
  const body = bodies.get(operation)
  if (body === undefined) throw new Refusal({ kind: "interrupted", what })
  bodies.delete(operation)
  return body
}
