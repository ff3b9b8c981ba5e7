/** What a layer's map says, against what QEMU's own programs say of the same file. */
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { dice } from "../../src/engines/content.suite.ts"
import type { Clusters } from "../../src/engines/qcow2/clusters.ts"
import { LayerFiles, type LayerId } from "../../src/engines/qcow2/layer-files.ts"
import { readLayerMap } from "../../src/engines/qcow2/layer-map.ts"
import { LayerMaps } from "../../src/engines/qcow2/maps.ts"
import { run } from "../../src/platform/command.ts"
import { Directory } from "../../src/platform/files.ts"
import { qcow2Rig } from "../fixtures/engine-rigs.ts"
import { cluster, WrittenTree } from "../fixtures/written-tree.ts"

const timeoutMs = 60_000
const gibi = 2 ** 30

let directory: string
let files: LayerFiles
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "tintype-maps-"))
  const rights = { mode: 0o600, gid: null }
  files = new LayerFiles(await Directory.open(directory, { mode: 0o700, gid: null }), rights)
})
afterEach(async () => {
  await files.directory.close()
  await rm(directory, { recursive: true })
})

async function layer(sizeBytes: number, commands: readonly string[] = []): Promise<LayerId> {
  const id = newId<"layer">()
  await files.create(id, { sizeBytes, parent: null })
  await io(id, commands)
  return id
}

async function io(id: LayerId, commands: readonly string[]): Promise<void> {
  const args = commands.flatMap((command) => ["-c", command])
  await run(["qemu-io", "-f", "qcow2", "-d", "unmap", ...args, files.path(id)], { timeoutMs })
}

const numbersIn = (clusters: Clusters): number[] =>
  [...clusters.runs()].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, i) => first + i),
  )

type Mapped = { start: number; length: number; present: boolean; data: boolean; offset?: number }

/** As `qemu-img map` tells it. */
async function toldOf(id: LayerId) {
  const args = ["qemu-img", "map", "--output=json", "-f", "qcow2", files.path(id)] as const
  const extents = JSON.parse(await run([...args], { timeoutMs })) as Mapped[]
  const told = { data: new Map<number, number | undefined>(), zero: [] as number[] }
  for (const { start, length, present, data, offset } of extents) {
    for (let at = 0; at < length; at += cluster) {
      const number = (start + at) / cluster
      if (data) told.data.set(number, offset === undefined ? undefined : offset + at)
      else if (present) told.zero.push(number)
    }
  }
  return told
}

async function expectAsTold(id: LayerId): Promise<void> {
  const [map, told] = [await readLayerMap(files.path(id)), await toldOf(id)]
  expect(numbersIn(map.data)).toEqual([...told.data.keys()])
  expect(numbersIn(map.zero)).toEqual(told.zero)
  for (const [number, offset] of told.data) expect(map.hostOffset(number)).toBe(offset)
}

describe("a layer's map", () => {
  test("of an empty layer holds nothing", async () => {
    const map = await readLayerMap(files.path(await layer(100 * gibi)))
    expect(map.sizeBytes).toBe(100 * gibi)
    expect([map.data.size, map.zero.size, map.hostOffset(0)]).toEqual([0, 0, undefined])
  })

  test.each([1, 2, 3])("is what qemu-img tells, however it was written (%i)", async (seed) => {
    const roll = dice(seed)
    const size = 20 * gibi + 512
    const kinds = ["write -P 7", "write -P 9", "write -z", "write -z -u", "discard"]
    const commands = Array.from({ length: 300 }, () => {
      const offset = Math.floor((roll() ** 4 * size) / 512) * 512
      const length = Math.min(size - offset, 512 * (1 + Math.floor(roll() * 900)))
      return `${kinds[Math.floor(roll() * kinds.length)]} ${offset} ${length}`
    })
    const id = await layer(size, commands)
    await expectAsTold(id)
    const { data, zero } = await readLayerMap(files.path(id))
    expect(data.size).toBeGreaterThan(100)
    expect(zero.size).toBeGreaterThan(100)
  })

  test("tells a cluster of zeros that kept its place from one that holds data", async () => {
    const id = await layer(gibi, ["write -P 5 0 256k", "write -z 64k 64k", "write -z -u 128k 64k"])
    await expectAsTold(id)
    const map = await readLayerMap(files.path(id))
    expect(numbersIn(map.data)).toEqual([0, 3])
    expect(map.hostOffset(1)).toBe((map.hostOffset(0) ?? 0) + cluster)
    expect(map.hostOffset(2)).toBeUndefined()
  })

  test("is refused where a file is none of ours, or is cut", async () => {
    const path = join(directory, "foreign.qcow2")
    const image = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs })
    for (const option of ["cluster_size=4k", "extended_l2=on,cluster_size=64k", "compat=0.10"]) {
      await image("create", "-q", "-f", "qcow2", "-o", option, path, "1G")
      await expect(readLayerMap(path)).rejects.toThrow("no layer of ours")
    }
    const whole = files.path(await layer(gibi, ["write -P 5 0 1M"]))
    await image("convert", "-c", "-f", "qcow2", "-O", "qcow2", whole, path)
    await expect(readLayerMap(path)).rejects.toThrow("a compressed cluster")
    await truncate(whole, (await stat(whole)).size - 2 * cluster)
    await expect(readLayerMap(whole)).rejects.toThrow("is cut")
  })

  test("takes a table that is named and not there yet for an empty one", async () => {
    const path = files.path(await layer(gibi, ["write -P 5 0 64k"]))
    const bytes = await readFile(path)
    bytes.writeBigUInt64BE((1n << 63n) | BigInt(1000 * cluster), 3 * cluster + 8)
    await writeFile(path, bytes)
    expect(numbersIn((await readLayerMap(path)).data)).toEqual([0])
  })

  test("of a layer that is being written to never tells of what is not there", async () => {
    const rig = await qcow2Rig()
    try {
      const tree = new WrittenTree(rig, 1)
      const volume = await tree.volume(20 * gibi)
      const graph = await rig.engine.open(volume)
      const opener = await rig.opener([graph])
      graph[Symbol.dispose]()
      const path = tree.layerPath(tree.headLayer(volume))
      const sent = new Set<number>()
      const acknowledged = new Set<number>()
      const writing = (async () => {
        for (let at = 0; at < 300; at++) {
          const number = (at * 7919) % ((20 * gibi) / cluster)
          sent.add(number)
          await opener.write(volume, number * cluster, Buffer.alloc(4096, 1))
          acknowledged.add(number)
        }
      })()
      while (acknowledged.size < 300) {
        const before = [...acknowledged]
        const { data } = await readLayerMap(path)
        for (const number of before) expect(data.has(number)).toBe(true)
        for (const number of numbersIn(data)) expect(sent.has(number)).toBe(true)
      }
      await writing
      await opener.close()
    } finally {
      await rig.end()
    }
  })
})

describe("maps that are kept", () => {
  test("are read once for a frozen layer, and each time for a head", async () => {
    const maps = new LayerMaps(files)
    const id = await layer(gibi, ["write -P 5 0 1M"])
    const frozen = await maps.of(id, { frozen: true })
    expect(await maps.of(id, { frozen: true })).toBe(frozen)
    expect(await maps.of(id, { frozen: false })).not.toBe(frozen)
    maps.forget(id)
    expect(await maps.of(id, { frozen: true })).not.toBe(frozen)
  })

  test("are read again when the layer was a head once more", async () => {
    const maps = new LayerMaps(files)
    const id = await layer(gibi, ["write -P 5 0 1M"])
    expect((await maps.of(id, { frozen: true })).data.size).toBe(16)
    await io(id, ["write -P 5 8M 1M"])
    expect((await maps.of(id, { frozen: true })).data.size).toBe(32)
  })

  test("take no more memory than they may, the ones used last", async () => {
    const ids: LayerId[] = []
    for (let at = 0; at < 4; at++) ids.push(await layer(gibi, ["write -P 5 0 1M"]))
    const { memoryBytes } = await readLayerMap(files.path(ids[0] as LayerId))
    const maps = new LayerMaps(files, 2 * memoryBytes)
    const of = (at: number) => maps.of(ids[at] as LayerId, { frozen: true })
    const [first, second] = [await of(0), await of(1)]
    expect(await of(0)).toBe(first)
    await of(2)
    expect(await of(0)).toBe(first)
    expect(await of(1)).not.toBe(second)
  })
})
