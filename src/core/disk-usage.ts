/**
 * How many bytes on disk are whose. Engines look at every file for that, so what they found is
 * good for a second, or for ten times as long as the looking took. What operations that ended
 * since had set aside is counted as used until the next look: nobody slips in between.
 */
import type { AccountId, ImageId, VolumeId } from "../domain/ids.ts"
import type { Engine } from "../engines/engine.ts"
import type { Ledger, Room, Where } from "../ledger/ledger.ts"
import { LookFirst } from "./look-first.ts"

export type DiskUse = {
  volumes: ReadonlyMap<VolumeId, number>
  images: ReadonlyMap<ImageId, number>
  /** Volumes and images of each account together. */
  accounts: ReadonlyMap<AccountId, number>
}

export type DiskTools = {
  ledger: Pick<Ledger, "read">
  engine(name: string): Engine
  engineNames: readonly string[]
  clock(): number
}
type Settled = { accountId: AccountId; bytes: number; at: number }

const freshMs = 1000
const restFactor = 10

export type DiskUsage = ReturnType<typeof openDiskUsage>

export function openDiskUsage(tools: DiskTools) {
  const { clock } = tools
  let last: { use: DiskUse; staleAt: number } | undefined
  let looking: Promise<DiskUse> | undefined
  let settled: Settled[] = []

  async function look(): Promise<DiskUse> {
    const startedAt = clock()
    const use = await measure(tools)
    const endedAt = clock()
    settled = settled.filter(({ at }) => at >= startedAt)
    const rest = Math.max(freshMs, (endedAt - startedAt) * restFactor)
    last = { use, staleAt: endedAt + rest }
    return use
  }
  const lookOnce = () => {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
  const fresh = () => (last !== undefined && clock() < last.staleAt ? last.use : undefined)

  return {
    /** Outside of any transaction. */
    now: async (): Promise<DiskUse> => fresh() ?? (await lookOnce()),
    /** Within a transaction; throws `LookFirst`. */
    known(): DiskUse {
      const use = fresh()
      if (use === undefined) throw new LookFirst(lookOnce)
      return use
    },
    settled(accountId: AccountId, bytes: number): void {
      if (bytes > 0 && last !== undefined) settled.push({ accountId, bytes, at: clock() })
    },
    settledSince: (accountId: AccountId): number =>
      settled.reduce((sum, each) => sum + (each.accountId === accountId ? each.bytes : 0), 0),
  }
}

async function measure({ ledger, engine, engineNames }: DiskTools): Promise<DiskUse> {
  const volumes = new Map<VolumeId, number>()
  const images = new Map<ImageId, number>()
  const accounts = new Map<AccountId, number>()
  const charge = (accountId: AccountId | null, bytes: number) => {
    if (accountId !== null) accounts.set(accountId, (accounts.get(accountId) ?? 0) + bytes)
  }
  for (const name of engineNames) {
    for (const [volume, bytes] of await engine(name).usage()) volumes.set(volume, bytes)
    for await (const page of pagesOf(ledger.read.images, { engine: name })) {
      const spaces = await engine(name).space(page.map((image) => image.pointId))
      for (const { id, accountId, pointId } of page) {
        const { exclusive, shared } = spaces.get(pointId) ?? { exclusive: 0, shared: 0 }
        images.set(id, exclusive + shared)
        charge(accountId, exclusive + shared)
      }
    }
  }
  for await (const page of pagesOf(ledger.read.volumes, {})) {
    for (const { id, accountId } of page) charge(accountId, volumes.get(id) ?? 0)
  }
  return { volumes, images, accounts }
}

async function* pagesOf<T extends { id: string }>(
  room: Pick<Room<T>, "find">,
  where: Where<T>,
): AsyncGenerator<T[]> {
  const limit = 1000
  for (let after = ""; ; ) {
    const page = await room.find(where, after === "" ? { limit } : { limit, after })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    after = last.id
  }
}
