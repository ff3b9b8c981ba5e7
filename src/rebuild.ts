/**
 * `doctor --rebuild`: a new ledger in place of one that is lost or broken, with what the engine
 * finds on disk in it. Names, machines and accounts are gone; every disk and every point in time
 * is there again, under new ids, in the administrator's account. The old ledger is kept beside.
 */
import { rename } from "node:fs/promises"
import { ensureAdmin } from "./core/accounts.ts"
import { Refusal } from "./domain/fault.ts"
import { type AccountId, newId, type SnapshotId } from "./domain/ids.ts"
import { noLabels } from "./domain/labels.ts"
import type { EngineHouse, Salvage } from "./engines/engine.ts"
import type { Ledger, Rooms } from "./ledger/ledger.ts"

export type Rebuilding = {
  ledgerFile: string
  open(): Promise<Ledger>
  engineName: string
  engine: EngineHouse
  adminToken: string
  say(words: string): void
}

export async function rebuildLedger(rebuilding: Rebuilding): Promise<void> {
  const { ledgerFile, open, engineName, engine, adminToken, say } = rebuilding
  await mustBeBroken(ledgerFile, open)
  const aside = `${ledgerFile}.before-${new Date().toISOString().replaceAll(":", "-")}`
  for (const part of ["", "-wal", "-shm"]) {
    await rename(`${ledgerFile}${part}`, `${aside}${part}`).catch(
      (cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw cause
      },
    )
  }
  const ledger = await open()
  const salvager = engine.with(ledger.engineMemory(engineName))
  try {
    const accountId = await ensureAdmin(ledger, adminToken, Date.now())
    const node = newId()
    await ledger.set("node", node)
    const found = await salvager.salvage()
    await ledger.transaction((rooms) => record(rooms, found, { accountId, node, engineName }))
    say(`${found.volumes.length} volumes and ${found.points.length} points were found on disk`)
    say(`what was there of the old ledger is in ${aside}`)
  } finally {
    await salvager.close()
    await ledger.close()
  }
}

/** A ledger that works knows more than the files do. */
async function mustBeBroken(ledgerFile: string, open: () => Promise<Ledger>): Promise<void> {
  const ledger = await open().catch(() => null)
  if (ledger === null) return
  const sound = (await ledger.examine().catch(() => ["it cannot be read"])).length === 0
  const used = sound && (await ledger.read.volumes.count({})) > 0
  await ledger.close()
  if (!used) return
  const why = `${ledgerFile} is sound; move it away if it must go`
  throw new Refusal({ kind: "unsupported", what: "rebuilding the ledger", why })
}

type Home = { accountId: AccountId; node: string; engineName: string }

async function record(rooms: Rooms, found: Salvage, home: Home): Promise<void> {
  const createdAt = Date.now()
  const { accountId, node, engineName: engine } = home
  for (const { id, sizeBytes } of found.volumes) {
    await rooms.volumes.add({
      id,
      accountId,
      node,
      engine,
      name: `salvaged-${id.slice(-8)}`,
      sizeBytes,
      state: "available",
      machineId: null,
      role: "extra",
      slot: null,
      fromImageId: null,
      fromSnapshotId: null,
      fromPointId: null,
      fromVolumeId: null,
      claim: null,
      type: null,
      ...noLabels,
      reason: null,
      createdAt,
    })
  }
  const snapshots = new Map(found.points.map(({ id }) => [id, newId<"snapshot">()]))
  const idOf = (point: Salvage["points"][number]["id"] | null): SnapshotId | null =>
    point === null ? null : (snapshots.get(point) ?? null)
  for (const { id, volume, parent, sizeBytes } of found.points) {
    const snapshotId = idOf(id) ?? newId<"snapshot">()
    await rooms.snapshots.add({
      id: snapshotId,
      accountId,
      name: `salvaged-${id.slice(-8)}`,
      state: "ready",
      sourceKind: "volume",
      sourceId: volume,
      parentId: idOf(parent),
      consistency: { label: "crash", pauseMs: 0, freezeMs: 0, skewMs: 0, note: "salvaged" },
      machine: null,
      claim: null,
      memoryBytes: null,
      ...noLabels,
      recovery: false,
      expiresAt: null,
      reason: null,
      createdAt,
      readyAt: createdAt,
    })
    const of = { accountId, snapshotId, volumeId: volume, engine }
    await rooms.points.add({ id, ...of, sizeBytes, role: "volume" })
  }
}
