/**
 * Work that goes on after the answer: started by a 202, followed through its operation, and shown
 * as the resource it was done to. A server that is restarted meanwhile takes the work up again, so
 * a connection that fails while waiting is no failure of the work.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { hasEnded, type OperationState } from "../domain/operation.ts"
import { Unreachable } from "./client.ts"
import { exitCode, Failure, failed } from "./failure.ts"
import type { Waiting } from "./leaf.ts"
import { openProgress, type Progress } from "./progress.ts"
import { pathOf } from "./resolve.ts"
import { type Kind, kinds, type Operation, type Resource } from "./resources.ts"
import type { Session } from "./session.ts"
import { printable } from "./show.ts"

export type Started = {
  kind: Kind
  /** The body of the 202. */
  accepted: Resource
  /** Such as `starting machine web`. */
  doing: string
  /** What is left to show when the thing is gone afterwards, as after a delete. */
  last?: Resource
}

/** Waits if asked to, prints the resource, and fails as the operation failed. */
export async function followAndPrint(
  session: Session,
  started: Started,
  waiting: Waiting,
): Promise<Resource> {
  const outcome = await follow(session, started, waiting)
  await session.printOne(started.kind, outcome.resource)
  if (outcome.failure !== undefined) throw outcome.failure
  return outcome.resource
}

export async function follow(
  session: Session,
  { kind, accepted, doing, last }: Started,
  waiting: Waiting,
): Promise<{ resource: Resource; failure?: Failure }> {
  const { operationId } = accepted
  if (operationId === undefined) return { resource: { ...last, ...accepted } }
  if (waiting.wait !== true) {
    if (!session.json) session.say(`${doing} (operation ${operationId})`)
    return { resource: { ...last, ...accepted } }
  }
  const operation = await waitFor(session, operationId, doing, waiting)
  const now = await fetchAgain(session, kind, accepted.id)
  const done = operation.state === "done"
  const gone = { ...last, ...accepted, ...(done && last ? { state: "deleted" } : {}) }
  const resource = { ...(now ?? gone), operationId }
  return done ? { resource } : { resource, failure: endedBadly(operation, doing) }
}

/** Resolves when the operation has ended, however it ended. */
export async function waitFor(
  session: Session,
  id: string,
  doing: string,
  waiting: Waiting,
): Promise<Operation> {
  const deadline = performance.now() + (waiting.timeout ?? Number.POSITIVE_INFINITY)
  const progress = openProgress(doing)
  const interrupted = () => {
    progress.end()
    session.say(`not waiting any longer; the work goes on as operation ${id}`)
    process.exit(exitCode.interrupted)
  }
  process.once("SIGINT", interrupted)
  try {
    for (;;) {
      const leftMs = deadline - performance.now()
      const operation = await poll(session, id, leftMs, progress)
      const ended = hasEnded(operation.state as OperationState)
      const [words = "", ...notes] = ended ? operation.message.split("; ") : [operation.message]
      progress.report(operation.progress, words)
      if (ended) {
        progress.end()
        for (const note of notes) session.say(`note: ${printable(note)}`)
        return operation
      }
      if (performance.now() >= deadline) {
        const share = `${operation.state}, ${operation.progress}% done`
        throw new Failure("timeout", `${doing}: not done in time (${share}); operation ${id}`)
      }
      // The server holds a poll until there is an end to tell; one that does not is not hurried.
      await sleep(leastPauseMs)
    }
  } finally {
    process.off("SIGINT", interrupted)
    progress.end()
  }
}

/** The server answers at the end of the work; asked again meanwhile only so that progress shows. */
const longestPollSeconds = process.stderr.isTTY === true ? 1 : 5
const leastPauseMs = 25
const patienceMs = 30_000

/** One long poll; outlasts a server that is away for a while. */
async function poll(
  session: Session,
  id: string,
  leftMs: number,
  progress: Progress,
): Promise<Operation> {
  const wait = Math.max(0, Math.min(longestPollSeconds, Math.ceil(leftMs / 1000)))
  const giveUpAt = performance.now() + Math.min(patienceMs, leftMs)
  for (;;) {
    try {
      const path = pathOf(kinds.operation, id)
      return await session.client.json<Operation>({ method: "GET", path, query: { wait } })
    } catch (cause) {
      if (!(cause instanceof Unreachable) || performance.now() > giveUpAt) throw cause
      progress.report(null, "the server does not answer; trying again")
      await sleep(500)
    }
  }
}

async function fetchAgain(session: Session, kind: Kind, id: string): Promise<Resource | undefined> {
  try {
    return await session.client.json<Resource>({ method: "GET", path: pathOf(kind, id) })
  } catch (cause) {
    if (cause instanceof Failure && cause.exitCode === exitCode.notFound) return undefined
    throw cause
  }
}

export function endedBadly(operation: Operation, doing: string): Failure {
  const why = operation.reason ?? "no reason is known"
  const taken = operation.state === "stuck" ? "stuck; see: tintype doctor" : "taken back"
  return failed(operation.fault?.kind, 0, `${doing} failed and was ${taken}: ${why}`)
}
