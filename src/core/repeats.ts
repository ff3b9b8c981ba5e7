/**
 * Idempotency-Keys: a request sent again under its key is answered as it was, and nothing is done
 * twice. What was used under a key is remembered in the transaction that did it.
 */
import { createHash } from "node:crypto"
import { Refusal } from "../domain/fault.ts"
import type { AccountId } from "../domain/ids.ts"
import type { Ledger, Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Asking } from "./core.ts"

/** What was remembered under this key; a different request under the same key is refused. */
export async function recalled<T>(
  rooms: { repeats: Pick<Rooms["repeats"], "get"> },
  { who, repeat }: Asking,
): Promise<T | undefined> {
  if (repeat === undefined) return undefined
  const before = await rooms.repeats.get(who.userId, repeat.key)
  if (before === undefined) return undefined
  if (before.requestHash !== hashOf(who.accountId, repeat.requestHash)) {
    throw new Refusal({ kind: "key-reused", key: repeat.key })
  }
  return before.body as T
}

export async function remember(
  rooms: Rooms,
  { who, repeat }: Asking,
  body: unknown,
  createdAt: number,
): Promise<void> {
  if (repeat === undefined) return
  const requestHash = hashOf(who.accountId, repeat.requestHash)
  await rooms.repeats.add(who.userId, repeat.key, { requestHash, status: 200, body, createdAt })
}

const largestRemembered = 2 ** 20

/**
 * For work outside the ledger that is no operation, such as a command in a guest: its answer is
 * remembered after it. A crash between the two means that it can happen once more.
 */
export async function once<T>(
  { ledger, turns }: Pick<Context, "ledger" | "turns">,
  asking: Asking,
  work: () => Promise<T>,
): Promise<T> {
  const { who, repeat } = asking
  if (repeat === undefined) return await work()
  // A repeat that comes while the first is still at work waits for it.
  const place = JSON.stringify([who.userId, repeat.key])
  const turn = (turns.get(place) ?? Promise.resolve()).then(() => remembering(ledger, asking, work))
  const settled = turn.catch(() => {})
  turns.set(place, settled)
  try {
    return await turn
  } finally {
    if (turns.get(place) === settled) turns.delete(place)
  }
}

async function remembering<T>(
  ledger: Pick<Ledger, "read" | "transaction">,
  asking: Asking,
  work: () => Promise<T>,
): Promise<T> {
  const before = await recalled<T>(ledger.read, asking)
  if (before !== undefined) return before
  const answer = await work()
  if (JSON.stringify(answer).length <= largestRemembered) {
    await ledger.transaction((rooms) => remember(rooms, asking, answer, Date.now()))
  }
  return answer
}

/** The same request for another account is another request. */
const hashOf = (accountId: AccountId, hash: string): string =>
  createHash("sha256").update(accountId).update(hash).digest("base64url")
