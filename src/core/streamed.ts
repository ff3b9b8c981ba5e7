/** Requests whose body goes on while their operation works: the answer waits for its end. */
import { no, ok, type Result } from "../domain/fault.ts"
import { newId, type OperationId } from "../domain/ids.ts"
import { type Event, hasEnded, type Operation } from "../domain/operation.ts"
import type { Ledger } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Download, Started, Upload } from "./core.ts"

export async function streamed<T>(
  { ledger, transfers }: Pick<Context, "ledger" | "transfers">,
  body: { source: Upload } | { sink: Download },
  request: (operationId: OperationId) => Promise<Result<Started<T>>>,
  again: (resource: T) => Promise<T | null>,
): Promise<Result<Started<T>>> {
  const id = newId<"operation">()
  if ("source" in body) transfers.offerSource(id, body.source)
  else transfers.offerSink(id, body.sink)
  try {
    const started = await request(id)
    if (!started.ok) return started
    if ("sink" in body) body.sink.accepted?.(started.value.operation)
    const operation = await untilEnded(ledger, started.value.operation.id, null)
    if (operation === undefined) return started
    if (operation.state !== "done") return no(faultOf(operation))
    return ok({
      ...started.value,
      operation,
      resource: (await again(started.value.resource)) ?? started.value.resource,
    })
  } finally {
    transfers.forget(id)
  }
}

function faultOf({ id, fault, reason }: Operation) {
  return fault ?? { kind: "failed" as const, operationId: id, why: reason ?? "no reason recorded" }
}

/** The operation as it is when it has ended, or when the time is up; null: however long it takes. */
export async function untilEnded(
  ledger: Pick<Ledger, "read" | "onEvents">,
  id: OperationId,
  withinMs: number | null,
): Promise<Operation | undefined> {
  let news = Promise.withResolvers<void>()
  let timeIsUp = false
  const finish = () => {
    timeIsUp = true
    news.resolve()
  }
  const timer = withinMs === null ? undefined : setTimeout(finish, withinMs)
  const isAbout = ({ data }: Event) => (data as { operationId?: string } | null)?.operationId === id
  const stopListening = ledger.onEvents((events) => events.some(isAbout) && news.resolve())
  try {
    for (;;) {
      const operation = await ledger.read.operations.get(id)
      if (operation === undefined || hasEnded(operation.state) || timeIsUp) return operation
      await news.promise
      news = Promise.withResolvers<void>()
    }
  } finally {
    clearTimeout(timer)
    stopListening()
  }
}
