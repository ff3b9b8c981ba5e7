/**
 * Volumes as chains of qcow2 files. Once a layer is frozen it never changes; a volume is a
 * pointer to a writable layer, a point a pointer to a frozen one, and the pointers are records.
 */
import type { EngineMemory } from "../../domain/engine-memory.ts"
import { diskBytesOf } from "../disk-size.ts"
import type { Engine, EngineConfig, EngineHouse, Upkeep } from "../engine.ts"
import { noticed } from "./changed.ts"
import { changes, related } from "./changes.ts"
import { examine } from "./examine.ts"
import { growHead } from "./grow.ts"
import { createHead, createPoint, dropHead, dropPoint, revertHead, unrevertHead } from "./heads.ts"
import type { LayerId } from "./layer-files.ts"
import { headNow, pointNow } from "./now.ts"
import { arm, open, switched } from "./openers.ts"
import { reclaimAgain, reclaimable } from "./reclaim-again.ts"
import { recover } from "./recover.ts"
import { commit } from "./replace.ts"
import { salvage } from "./salvage.ts"
import { freed, space } from "./space.ts"
import { closeHouse, openHouse, type Store } from "./store.ts"
import { read, write } from "./transfer.ts"
import { inTree } from "./tree.ts"
import { abandon, finish, prepare } from "./upkeep.ts"
import { upkeep } from "./upkeep-plan.ts"
import { usage } from "./usage.ts"

export async function openQcow2Engine(config: EngineConfig): Promise<EngineHouse> {
  const house = await openHouse(config)
  return {
    with: (memory) => {
      const watched = noticed(memory, [house.desk.changed, house.measured])
      return engine({ ...house, memory: watched })
    },
  }
}

function engine(store: Store & { memory: EngineMemory }): Engine {
  // What needs more than one transaction must not find its layers replaced in between.
  const { shared } = store.steady
  return {
    can: { switchWhileRunning: true },

    createHead: (volume, origin) => shared(() => createHead(store, volume, origin)),
    async growHead(volume, sizeBytes) {
      store.desk.lengths.delete(volume)
      await growHead(store, volume, sizeBytes)
    },
    sizeOf: async (volume) => (await headNow(store.memory, volume))?.sizeBytes ?? null,
    async dropHead(volume) {
      await dropHead(store, volume)
      store.desk.lengths.delete(volume)
    },
    async revertHead(volume, to, keep) {
      store.desk.lengths.delete(volume)
      await shared(() => revertHead(store, volume, to, keep))
    },
    async unrevertHead(volume, keep) {
      store.desk.lengths.delete(volume)
      await unrevertHead(store, volume, keep)
    },

    createPoint: (volume, point) => shared(() => createPoint(store, volume, point)),
    dropPoint: (point) => dropPoint(store, point),
    hasPoint: async (point) => (await pointNow(store.memory, point)) !== undefined,

    open: (volume) => shared(() => open(store, volume)),
    arm: (volume) => shared(() => arm(store, volume)),
    switched: (volumes) => switched(store, volumes),

    write: (volume, source, watch) => write(store, volume, source, watch),
    read: (of, sink, watch) => read(store, of, sink, watch),
    diskBytes: diskBytesOf,
    space: (points) => space(store, points),
    freed: (points) => freed(store, points),
    usage: () => usage(store),
    changes: (from, to) => changes(store, from, to),
    related: (one, other) => related(store, one, other),

    upkeep: async (pressing) => [
      ...(pressing === undefined ? await reclaimable(store) : []),
      ...(await upkeep(store, pressing)),
    ],
    async prepare(work, watch) {
      if (!(await reclaimAgain(store, work))) await prepare(store, workId(work), watch)
    },
    commit: (work) => commit(store, workId(work)),
    finish: (work) => finish(store, workId(work)),
    abandon: (work) => abandon(store, workId(work)),

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

/** Work is called by the layer it makes; a name that is none finds nothing. */
const workId = (work: Upkeep["id"]) => work as LayerId
