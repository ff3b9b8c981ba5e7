/** Operations: find them, give them up, put them out of sight, and wait for their end. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal } from "../domain/fault.ts"
import type { OperationId } from "../domain/ids.ts"
import { hasEnded, type LogEntry, type Operation } from "../domain/operation.ts"
import type { Ledger } from "../ledger/ledger.ts"
import { sagas } from "../operations/registry.ts"
import { canGoBack } from "../operations/saga.ts"
import type { Context } from "./context.ts"
import type { Operations, OperationView } from "./core.ts"
import { recordRefusal } from "./refused.ts"
import { untilEnded } from "./streamed.ts"
import { mayChange, must, scopeOf, seen } from "./visible.ts"

type OperationTools = Pick<Context, "ledger" | "node" | "clock" | "wake" | "giveUp">

export function openOperations(context: OperationTools): Operations {
  const { ledger, giveUp } = context
  return {
    refused: (asking, wish, fault) => recordRefusal(context, asking, wish, fault),
    get: (who, id) => attempt(() => viewOf(ledger, who, id)),
    list: (who, listing) =>
      attempt(async () => {
        const { targetId, subjectId, unendedOnly, undismissedOnly } = listing
        const where = {
          ...must(scopeOf(who, listing)),
          ...(targetId === undefined ? {} : { targetId }),
          ...(subjectId === undefined ? {} : { subjectId }),
          ...(undismissedOnly ? { dismissed: false } : {}),
          ...(unendedOnly ? { state: ["queued", "running", "undoing", "stuck"] as const } : {}),
        }
        return await ledger.read.operations.find(where, listing)
      }),
    dismiss: ({ who }, id) =>
      attempt(async () => {
        must(mayChange(who))
        await ledger.transaction(async (rooms) => {
          const { dismissed } = must(seen(who, "operation", id, await rooms.operations.get(id)))
          if (!dismissed) await rooms.operations.change(id, { dismissed: true })
        })
        return null
      }),
    cancel: ({ who }, id) =>
      attempt(async () => {
        must(mayChange(who))
        await ledger.transaction(async (rooms) => {
          const operation = must(seen(who, "operation", id, await rooms.operations.get(id)))
          if (operation.cancelled) return
          mustGoBack(operation, await rooms.operations.log(id))
          await rooms.operations.change(id, { cancelled: true })
        })
        giveUp(id)
        return await viewOf(ledger, who, id)
      }),
    wait: (who, id, withinMs) =>
      attempt(async () => {
        const asItIs = must(seen(who, "operation", id, await ledger.read.operations.get(id)))
        if (hasEnded(asItIs.state)) return await withLog(ledger, asItIs)
        const after = await untilEnded(ledger, id, withinMs)
        return await withLog(ledger, must(seen(who, "operation", id, after)))
      }),
  }
}

async function viewOf(
  ledger: Pick<Ledger, "read">,
  who: Principal,
  id: OperationId,
): Promise<OperationView> {
  return await withLog(
    ledger,
    must(seen(who, "operation", id, await ledger.read.operations.get(id))),
  )
}

const withLog = async ({ read }: Pick<Ledger, "read">, operation: Operation) => ({
  ...operation,
  log: await read.operations.log(operation.id),
})

/** One that is being taken back already has what it is asked for. */
function mustGoBack({ id, kind, version, state }: Operation, log: readonly LogEntry[]): void {
  const refusal = (is: string, needs: readonly string[]) =>
    new Refusal({ kind: "wrong-state", what: "operation", id, is, needs })
  if (hasEnded(state)) throw refusal(state, ["queued", "running"])
  const saga = sagas.get(`${kind}@${version}`)
  if (saga !== undefined && canGoBack(saga, log)) return
  throw refusal("past its point of no return", ["before it"])
}
