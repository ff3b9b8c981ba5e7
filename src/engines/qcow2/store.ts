/** What the engine's verbs work with: the directories, the layers in them, and its memory. */
import type { EngineMemory } from "../../domain/engine-memory.ts"
import { Directory } from "../../platform/files.ts"
import type { ServiceUser } from "../../platform/process.ts"
import type { EngineConfig } from "../engine.ts"
import { Desk } from "./desk.ts"
import { LayerFiles, type LayerId } from "./layer-files.ts"
import { LayerMaps } from "./maps.ts"
import { Measured } from "./measured.ts"
import { Pins } from "./pins.ts"
import { Reclaims } from "./reclaims.ts"
import { Shadows } from "./shadow.ts"
import { Steady } from "./steady.ts"
import { inTree } from "./tree.ts"

/** Opened once per process. `transfers` holds sockets, `spool` images on their way in or out. */
export type House = {
  dataDir: string
  user: ServiceUser | null
  layers: LayerFiles
  maps: LayerMaps
  shadows: Shadows
  reclaims: Reclaims
  steady: Steady
  pins: Pins
  desk: Desk
  measured: Measured
  transfers: Directory
  spool: Directory
  /** Files here can be opened past the page cache. */
  directIo: boolean
}

export type Store = House & { memory: EngineMemory }

/** QEMU's processes run in `dataDir` and are given these names, relative to it. */
export const layersName = "layers"
export const transfersName = "transfers"
export const spoolName = "spool"

/** QEMU's user reaches the files through its group, and nobody else does. */
export const fileRights = (user: ServiceUser | null) =>
  user === null ? { mode: 0o600, gid: null } : { mode: 0o660, gid: user.gid }

export async function openHouse({ dataDir, user, upkeep }: EngineConfig): Promise<House> {
  const gid = user?.gid ?? null
  const [layers, transfers, spool] = await Promise.all([
    Directory.open(`${dataDir}/${layersName}`, { mode: 0o750, gid }),
    Directory.open(`${dataDir}/${transfersName}`, { mode: 0o770, gid }),
    Directory.open(`${dataDir}/${spoolName}`, { mode: 0o750, gid }),
  ])
  const files = new LayerFiles(layers, fileRights(user))
  const maps = new LayerMaps(files)
  const pins = new Pins()
  return {
    dataDir,
    user,
    layers: files,
    maps,
    shadows: new Shadows(maps),
    reclaims: new Reclaims(files, pins),
    steady: new Steady(),
    pins,
    desk: new Desk(upkeep),
    measured: new Measured(),
    transfers,
    spool,
    directIo: await layers.takesDirectIo(),
  }
}

export async function closeHouse({ layers, transfers, spool }: House): Promise<void> {
  await Promise.all([layers.directory.close(), transfers.close(), spool.close()])
}

/**
 * The end of every removal, after the transaction that doomed the layers: their files go, durably,
 * then their records. If the light goes out in between, `recover` does it again. Pinned ones wait;
 * those that waited and are free by now go along.
 */
export async function finishRemoval(store: Store, doomed: readonly LayerId[]): Promise<void> {
  const free = store.pins.free(doomed)
  if (free.length === 0) return
  await store.layers.remove(free)
  for (const id of free) {
    store.maps.forget(id)
    store.reclaims.forget(id)
  }
  await inTree(store.memory, async (tree) => {
    for (const id of free) await tree.removeLayer(id)
  })
}
