/**
 * Volumes as chains of qcow2 files. Once a layer is frozen it never changes; a volume is a
 * pointer to a writable layer, a point a pointer to a frozen one, and the pointers are records.
 */
import type { EngineMemory } from "../../domain/engine-memory.ts"
import { diskBytesOf } from "../disk-size.ts"
import type { Engine, EngineConfig, EngineHouse } from "../engine.ts"
import { examine } from "./examine.ts"
import { createHead, createPoint, dropHead, dropPoint, revertHead, unrevertHead } from "./heads.ts"
import { arm, open, switched } from "./openers.ts"
import { recover } from "./recover.ts"
import { salvage } from "./salvage.ts"
import { space } from "./space.ts"
import { closeHouse, openHouse, type Store } from "./store.ts"
import { read, write } from "./transfer.ts"
import { inTree } from "./tree.ts"

export async function openQcow2Engine(config: EngineConfig): Promise<EngineHouse> {
  const house = await openHouse(config)
  return { with: (memory) => engine({ ...house, memory }) }
}

function engine(store: Store & { memory: EngineMemory }): Engine {
  return {
    can: { switchWhileRunning: true },

    createHead: (volume, origin) => createHead(store, volume, origin),
    dropHead: (volume) => dropHead(store, volume),
    revertHead: (volume, to, keep) => revertHead(store, volume, to, keep),
    unrevertHead: (volume, keep) => unrevertHead(store, volume, keep),

    createPoint: (volume, point) => createPoint(store, volume, point),
    dropPoint: (point) => dropPoint(store, point),
    hasPoint: (point) =>
      inTree(store.memory, async (tree) => (await tree.point(point)) !== undefined),

    open: async (volume) =>
      Object.assign(await open(store, volume), { [Symbol.dispose]: () => {} }),
    arm: (volume) => arm(store, volume),
    switched: (volumes) => switched(store, volumes),

    write: (volume, source, watch) => write(store, volume, source, watch),
    read: (of, sink, watch) => read(store, of, sink, watch),
    diskBytes: diskBytesOf,
    space: (points) => space(store, points),
    freed: async () => 0,
    usage: async () => new Map(),
    changes: async () => [],

    upkeep: async () => [],
    prepare: async () => {},
    commit: async () => null,
    finish: async () => {},
    abandon: async () => {},

    holdings: () =>
      inTree(store.memory, async (tree) => ({
        volumes: (await tree.heads()).map((head) => head.volume),
        points: (await tree.points()).map((point) => point.id),
      })),
    salvage: () => salvage(store),
    recover: () => recover(store),
    examine: () => examine(store),
    close: () => closeHouse(store),
  }
}
