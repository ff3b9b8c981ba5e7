/**
 * An operation's progress: the weights of its steps make the bar, reports of the step under way
 * fill it. Reports come as often as the work likes; the ledger hears of whole changes, at most
 * a few times a second.
 */
import type { Claim, Rooms } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"
import type { AnySaga, AnyStep } from "./saga.ts"

const saveEveryMs = 250

export function progressOf(claim: Claim, saga: AnySaga, options: ExecutorOptions) {
  const { operation } = claim
  const total = saga.steps.reduce((sum, step) => sum + (step.weight ?? 1), 0)
  let current = { before: 0, weight: 1 }
  let percent = operation.progress
  let message = operation.message
  let saved = { percent, message, at: 0 }
  let saving = false
  const told: string[] = []

  const save = async (rooms: Rooms) => {
    saved = { percent, message, at: options.clock() }
    await rooms.operations.change(operation.id, { progress: percent, message })
    await rooms.events.add({
      at: saved.at,
      accountId: operation.accountId,
      type: "operation.progress",
      resourceKind: operation.targetKind,
      resourceId: operation.targetId,
      data: { operationId: operation.id, kind: operation.kind, progress: percent, message },
    })
  }

  return {
    save,
    tell: (words: string) => void told.push(words),
    /** What stands with the operation when it is done. */
    lastWords: () => ["done", ...told].join("; "),
    begin(step: AnyStep) {
      const index = saga.steps.indexOf(step)
      const earlier = saga.steps.slice(0, index)
      const before = earlier.reduce((sum, each) => sum + (each.weight ?? 1), 0)
      current = { before, weight: step.weight ?? 1 }
      message = step.name
    },
    report(fraction: number, words?: string) {
      const share = Math.min(Math.max(fraction, 0), 1) * current.weight
      // 100 is for what has ended; rounding down keeps a bar from promising what is not yet so.
      percent = Math.max(
        percent,
        Math.min(99, Math.floor(((current.before + share) / total) * 100)),
      )
      message = words ?? message
      const news = percent !== saved.percent || message !== saved.message
      if (!news || saving || options.clock() - saved.at < saveEveryMs) return
      saving = true
      options.ledger
        .fenced(operation.id, operation.fence, save)
        .catch(() => undefined) // progress is not a promise: the step itself will meet the failure
        .finally(() => {
          saving = false
        })
    },
  }
}
