/** Bugs to plant: an engine, its openers or its files made to do what they must never do. */
import { open, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { EngineRecord } from "../../src/domain/engine-memory.ts"
import type { Engine } from "../../src/engines/engine.ts"
import type { Opener, Rig } from "../../src/engines/engine-rig.suite.ts"
import { clusterBytes } from "../../src/engines/qcow2/header.ts"
import { readLayerMap } from "../../src/engines/qcow2/layer-map.ts"
import type { TestMemory } from "../fixtures/engine-memory.ts"
import type { MemoryRig, Qcow2Rig } from "../fixtures/engine-rigs.ts"

type Verbs = (engine: Engine) => Partial<Engine>

/** The same rig with some of the engine's verbs, and its openers, not as they should be. */
export function spoilt(rig: Rig, verbs: Verbs, opener: Rig["opener"] = rig.opener): Rig {
  const engine = () =>
    new Proxy(rig.engine, {
      get(target, name) {
        const own: unknown = Reflect.get(verbs(target), name)
        return own ?? Reflect.get(target, name)
      },
    })
  return Object.create(rig, { engine: { get: engine }, opener: { value: opener } }) as Rig
}

/** Layers go before the commit after which nobody needs them. */
export const removedTooEarly = (rig: Storage): Rig =>
  spoilt(rig, (engine) => ({
    async commit(id) {
      const work = recordsOf(rig, "upkeep").find((record) => record.id === id)
      const gone = work && ((work.body as { use?: string }).use ?? id).startsWith("merge")
      for (const layer of gone ? (work.body as { run: string[] }).run : []) {
        await rig.removeLayer(layer)
      }
      return await engine.commit(id)
    },
  }))

/** The new layer stands on what is below its run's lowest, instead of where that stands. */
export const wrongParent = (rig: Storage): Rig =>
  spoilt(rig, (engine) => ({
    async commit(id) {
      const restack = await engine.commit(id)
      const work = recordsOf(rig, "upkeep").find((record) => record.id === id)
      const made = (work?.body as { layer?: string } | undefined)?.layer ?? id
      await rig.memory.transaction(async (tx) => {
        const layer = await tx.get("layer", made)
        const below = layer?.parent ? await tx.get("layer", layer.parent) : undefined
        if (layer && below) await tx.put({ ...layer, parent: below.parent })
      })
      return restack
    },
  }))

/** Every second process is not told that its disks are to move. */
export function forgottenOpener(rig: Rig): Rig {
  let count = 0
  return spoilt(
    rig,
    () => ({}),
    async (graphs) => {
      const opener = await rig.opener(graphs)
      const forgotten: Partial<Opener> = count++ % 2 === 1 ? { restack: async () => {} } : {}
      return { ...opener, ...forgotten }
    },
  )
}

/** What a layer stands on is left for QEMU to find by the name in its header. */
export const headerTrusted = (rig: Rig): Rig =>
  spoilt(rig, (engine) => ({
    async open(volume) {
      const graph = await engine.open(volume)
      const top = graph.nodes.slice(-2)
      const nodes = top.map(({ backing, ...node }) => ({ ...node, "node-name": node["node-name"] }))
      return { ...graph, nodes: nodes as typeof top }
    },
  }))

/** Given back is whatever one of those above has, though others may still read it. */
export const punchedForOne = (rig: Storage): Rig =>
  spoilt(rig, (engine) => ({
    async dropPoint(point) {
      await engine.dropPoint(point)
      const named = [...recordsOf(rig, "point"), ...recordsOf(rig, "volume")]
      const layers = recordsOf(rig, "layer").filter(isAlive)
      for (const { id } of layers.filter(
        (layer) => !named.some(({ parent }) => parent === layer.id),
      )) {
        for (const above of layers.filter(({ parent }) => parent === id)) {
          await rig.punch(id, above.id)
        }
      }
    },
  }))

const isAlive = ({ body }: EngineRecord) => !(body as { doomed?: boolean }).doomed

const recordsOf = ({ memory }: Storage, kind: string): EngineRecord[] =>
  memory.records().filter((record) => record.kind === kind)

/** A rig whose layers can be got at behind the engine's back. */
export type Storage = Rig & {
  memory: TestMemory
  removeLayer(id: string): Promise<void>
  /** Takes out of a layer what another one has too. */
  punch(id: string, above: string): Promise<void>
}

export const objects = (rig: MemoryRig): Storage =>
  Object.assign(rig, {
    async removeLayer(id: string) {
      rig.world.layers.delete(id)
    },
    async punch(id: string, above: string) {
      rig.world.layers.get(id)?.giveBack(rig.world.layers.get(above)?.ownBlocks ?? [])
    },
  })

export const files = (rig: Qcow2Rig): Storage => {
  const path = (id: string) => join(rig.dataDir, "layers", `${id}.qcow2`)
  return Object.assign(rig, {
    async removeLayer(id: string) {
      await unlink(path(id)).catch(() => {})
    },
    async punch(id: string, above: string) {
      const [own, over] = [await readLayerMap(path(id)), await readLayerMap(path(above))]
      const file = await open(path(id), "r+")
      try {
        for (const { first, count } of own.data.intersection(over.data).runs()) {
          for (let cluster = first; cluster < first + count; cluster++) {
            const at = own.hostOffset(cluster)
            if (at !== undefined) await file.write(Buffer.alloc(clusterBytes), 0, clusterBytes, at)
          }
        }
      } finally {
        await file.close()
      }
    },
  })
}
