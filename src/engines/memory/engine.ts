/**
 * The engine without a disk, and the first one to read: everything the contract promises, kept
 * with objects. Bytes are in the world's layers; what stands on what, and what is whose, is in
 * the lent memory (`records.ts`).
 *
 * A layer that no record reaches is rubbish, swept when something is dropped and at start.
 */
import type { EngineMemory } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import type { Finding } from "../../domain/finding.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { diskBytesOf } from "../disk-size.ts"
import type { Engine, EngineConfig, EngineHouse, UpkeepLimits } from "../engine.ts"
import { areRelated, changesBetween } from "./changes.ts"
import {
  createHead,
  createPoint,
  dropHead,
  dropPoint,
  growHead,
  revertHead,
  unrevertHead,
} from "./heads.ts"
import { type House, Layers } from "./layers.ts"
import { arm, open, type Store, switched } from "./openers.ts"
import { head, point, pointOf } from "./records.ts"
import { freedBy, spaceOf, usageOf } from "./space.ts"
import { read, write } from "./transfer.ts"
import { readTree, type Tree } from "./tree.ts"
import { Upkeeps } from "./upkeep.ts"
import { newWorld, type World } from "./world.ts"

export async function openMemoryEngine(
  config: EngineConfig,
  world: World = newWorld(),
): Promise<EngineHouse> {
  const house = { world, pins: new Map<string, number>(), overdue: new Set<string>() }
  return { with: (memory) => engine(house, memory, config.upkeep ?? {}) }
}

function engine(house: House, memory: EngineMemory, limits: UpkeepLimits): Engine {
  const layers = new Layers(house, memory)
  const store: Store = { memory, layers }
  const upkeeps = new Upkeeps(memory, layers, limits)
  const ask = <T>(about: (tree: Tree) => T) =>
    memory.transaction(async (tx) => about(await readTree(tx)))
  const layerOf = (id: string) => layers.get(id)
  return {
    can: { switchWhileRunning: true },

    createHead: (volume, origin) => createHead(store, volume, origin),
    growHead: (volume, sizeBytes) => growHead(store, volume, sizeBytes),
    sizeOf: (volume) =>
      memory.transaction(async (tx) => (await head(tx, volume))?.sizeBytes ?? null),
    dropHead: (volume) => dropHead(store, volume),
    revertHead: (volume, to, keep) => revertHead(store, volume, to, keep),
    unrevertHead: (volume, keep) => unrevertHead(store, volume, keep),

    createPoint: (volume, id) => createPoint(store, volume, id),
    dropPoint: (id) => dropPoint(store, id),
    hasPoint: (id) => memory.transaction(async (tx) => (await point(tx, id)) !== undefined),

    open: (volume) => open(store, volume),
    arm: (volume) => arm(store, volume),
    switched: (volumes) => switched(store, volumes),

    write: (volume, source, watch) => write(store, volume, source, watch),
    read: (of, sink, watch) => read(store, of, sink, watch),
    diskBytes: diskBytesOf,
    space: (ids) => ask((tree) => spaceOf(tree, layerOf, ids)),
    freed: (ids) => ask((tree) => freedBy(tree, layerOf, ids)),
    usage: () => ask((tree) => usageOf(tree, layerOf)),
    changes: (from, to) =>
      memory.transaction(async (tx) => {
        const start = from === null ? null : (await pointOf(tx, from)).layer
        const ends = { from: start, to: (await pointOf(tx, to)).layer }
        return changesBetween(await readTree(tx), layers, ends)
      }),
    related: (one, other) =>
      memory.transaction(async (tx) => {
        const tops = [(await pointOf(tx, one)).layer, (await pointOf(tx, other)).layer] as const
        return areRelated(await readTree(tx), ...tops)
      }),

    upkeep: (pressing) => upkeeps.list(pressing),
    prepare: (work, watch) => upkeeps.prepare(work, watch),
    commit: (work) => upkeeps.commit(work),
    finish: (work) => upkeeps.finish(work),
    abandon: (work) => upkeeps.abandon(work),

    holdings: () => ask(holdingsIn),
    salvage: async () => {
      const why = "what is in memory has no files to read it from"
      throw new Refusal({ kind: "unsupported", what: "salvaging", why })
    },
    recover: () => layers.recover(),
    examine: async () => (await layers.examine()).map(wrong),
    close: async () => {},
  }
}

const holdingsIn = (tree: Tree): { volumes: VolumeId[]; points: PointId[] } => ({
  volumes: tree.heads.map(({ volume }) => volume),
  points: tree.points.map(({ id }) => id),
})

const wrong = (what: string): Finding => ({ severity: "wrong", what, remedy: null })
