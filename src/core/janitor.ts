/**
 * What time itself brings about: recovery snapshots whose days are over go, failed things leave
 * the record, old Idempotency-Keys and events are forgotten, images nobody needs wait no longer.
 */
import type { Principal } from "../domain/account.ts"
import type { UserId } from "../domain/ids.ts"
import type { Context } from "./context.ts"
import type { Core } from "./core.ts"

const keptEvents = 100_000
const keptRepeatsMs = 24 * 3_600_000

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
    await rooms.events.trim(keptEvents)
  })
}

/** The house itself, asking. */
async function steward({ adminAccount, ledger }: Context): Promise<Principal> {
  const accountId = await adminAccount()
  const [user] = await ledger.read.users.find({ accountId, role: "admin" }, { limit: 1 })
  return { userId: user?.id ?? ("" as UserId), role: "admin", accountId, everywhere: true }
}
