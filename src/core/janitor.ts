/**
 * What time itself brings about: recovery snapshots whose days are over go, or sooner where space
 * is short, failed things leave the record, operations that ended long ago, expired tokens, old
 * Idempotency-Keys and events are forgotten.
 */
import type { Principal } from "../domain/account.ts"
import type { UserId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Core } from "./core.ts"
import { freeSpace } from "./free-space.ts"

const keptEvents = 100_000
const keptRepeatsMs = 24 * 3_600_000
/** Small, so that nobody waits behind them for long; the rest goes the next time. */
const batchSize = 200
const mostBatches = 100

export async function tidyUp(context: Context, core: Core): Promise<void> {
  const { ledger, clock, limits } = context
  const now = clock()
  const page = { limit: 1000 }
  for (const snapshot of await ledger.read.snapshots.find(
    { recovery: true, state: "ready" },
    page,
  )) {
    if (snapshot.expiresAt === null || snapshot.expiresAt > now) continue
    await core.snapshots.remove({ who: await steward(context) }, snapshot.id)
  }
  const failedBefore = now - limits.failedMs
  await ledger.transaction(async (rooms) => {
    for (const room of [rooms.snapshots, rooms.volumes, rooms.machines, rooms.images]) {
      for (const row of await room.find({ state: "failed" }, page)) {
        if (row.createdAt < failedBefore) await room.remove(row.id)
      }
    }
    await rooms.repeats.forgetBefore(now - keptRepeatsMs)
    await rooms.tokens.forgetExpired(now)
    await rooms.events.trim(keptEvents)
  })
  await forgetOperations(context, now)
}

/**
 * What reverts replaced, and nobody asked to keep, is the first to go when the disk is short of
 * space: the oldest, one at a time, for as long as it is. What is only set aside does not count.
 */
export async function makeRoom(context: Context, core: Core): Promise<void> {
  const { ledger } = context
  const { freeBytes, lowWaterBytes } = await freeSpace(ledger.read, context)
  if (freeBytes >= lowWaterBytes) return
  // Space comes back when one has gone; who looks before would take more than is needed.
  const going = { kind: "snapshot-delete", state: ["queued", "running"] } as const
  if ((await ledger.read.operations.find(going, { limit: 1 })).length > 0) return
  const replaced = { recovery: true, state: "ready" } as const
  const who = await steward(context)
  for (const { id } of await ledger.read.snapshots.find(replaced, { limit: mostTried })) {
    // One that cannot go, as something stuck needs it, does not keep the others.
    if ((await core.snapshots.remove({ who }, id)).ok) return
  }
}

const mostTried = 100

/** A repeated request is answered with its operation, so none goes before its repeats. */
async function forgetOperations({ ledger, limits }: Context, now: number): Promise<void> {
  const before = now - Math.max(limits.failedMs, keptRepeatsMs)
  for (let batch = 0; batch < mostBatches; batch++) {
    const forget = (rooms: Rooms) => rooms.operations.forgetEnded(before, batchSize)
    if ((await ledger.transaction(forget)) < batchSize) return
  }
}

/** The house itself, asking. */
export async function steward({ adminAccount, ledger }: Context): Promise<Principal> {
  const accountId = await adminAccount()
  const [user] = await ledger.read.users.find({ accountId, role: "admin" }, { limit: 1 })
  return { userId: user?.id ?? ("" as UserId), role: "admin", accountId, everywhere: true }
}
