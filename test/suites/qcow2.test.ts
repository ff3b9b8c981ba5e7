/** What the qcow2 engine's files are to QEMU's own programs, and what it makes of a damaged place. */
import { chmod, copyFile, mkdir, mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { DiskGraph } from "../../src/domain/disk.ts"
import { newId, type PointId } from "../../src/domain/ids.ts"
import {
  bytesOf,
  content,
  fails,
  mebi,
  patchy,
  put,
  watch,
} from "../../src/engines/content.suite.ts"
import type { Opener } from "../../src/engines/engine-rig.suite.ts"
import { emptyLayer, parseHeader } from "../../src/engines/qcow2/header.ts"
import { run } from "../../src/platform/command.ts"
import { type Qcow2Rig, qcow2Rig, qcow2RigIn } from "../fixtures/engine-rigs.ts"
import { fullDiskStories } from "./qcow2-full-disk.suite.ts"
import { powerStories } from "./qcow2-power.suite.ts"

const timeoutMs = 60_000
const qemuImg = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs })
const { GiB, TiB } = { GiB: 2 ** 30, TiB: 2 ** 40 }

// Mounting a small file system is root's privilege.
if (process.getuid?.() === 0) {
  fullDiskStories()
  powerStories()
}

let rig: Qcow2Rig
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.recover()
})
afterEach(() => rig.end())

const layerPaths = async () =>
  (await readdir(join(rig.dataDir, "layers")))
    .filter((name) => name.endsWith(".qcow2"))
    .map((name) => join(rig.dataDir, "layers", name))

async function volume(sizeBytes = 4 * mebi, bytes?: Buffer) {
  const id = newId<"volume">()
  await rig.engine.createHead(id, { sizeBytes })
  if (bytes !== undefined) await put(rig.engine, id, bytes)
  return id
}

async function kept(id: Awaited<ReturnType<typeof volume>>): Promise<PointId> {
  const point = newId<"point">()
  await rig.engine.createPoint(id, point)
  return point
}

/** How many processes run there. */
async function daemonsIn(directory: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name))
  const homes = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => "")))
  return homes.filter((home) => home === directory).length
}

describe("our own header", () => {
  const sizes = [512, mebi, 512 * mebi, 512 * mebi + 512, 100 * GiB, 4 * TiB, 33 * TiB, 64 * TiB]
  test.each(sizes)("of a disk of %i bytes is what qemu-img takes for a clean one", async (size) => {
    for (const backing of [null, "below.qcow2"]) {
      await qemuImg("create", "-q", "-f", "qcow2", join(rig.dataDir, "below.qcow2"), "1M")
      const path = join(rig.dataDir, "layer.qcow2")
      const { pieces, fileBytes } = emptyLayer(size, backing)
      const bytes = Buffer.alloc(fileBytes)
      for (const { at, bytes: piece } of pieces) bytes.set(piece, at)
      await writeFile(path, bytes)
      const check = JSON.parse(await qemuImg("check", "--output=json", "-f", "qcow2", path))
      expect(check).not.toHaveProperty("leaks")
      expect(check).toMatchObject({ "check-errors": 0 })
      const info = JSON.parse(await qemuImg("info", "--output=json", "-f", "qcow2", path))
      expect(info).toMatchObject({ "virtual-size": size, "cluster-size": 65_536, format: "qcow2" })
      expect(info["backing-filename"] ?? null).toBe(backing)
      if (backing !== null) expect(info["backing-filename-format"]).toBe("qcow2")
      expect(parseHeader(bytes.subarray(0, 65_536))).toMatchObject({
        sizeBytes: size,
        backingName: backing,
      })
    }
  })

  test("holds at both ends of the largest volume", async () => {
    const id = await volume(64 * TiB)
    const graph = await rig.engine.open(id)
    const opener = await rig.opener([graph])
    const ends = [0, 64 * TiB - 65_536]
    for (const at of ends) await opener.write(id, at, content(`at ${at}`, 65_536))
    for (const at of ends) {
      expect((await opener.read(id, at, 65_536)).equals(content(`at ${at}`, 65_536))).toBe(true)
    }
    await opener.close()
    for (const path of await layerPaths()) await qemuImg("check", "-f", "qcow2", path)
  })
})

describe("a chain of layers", () => {
  test("read by qemu-img through the headers is what the engine reads by its records", async () => {
    const id = await volume()
    const points: PointId[] = []
    for (const turn of [1, 2, 3, 4]) {
      const opener = await rig.opener([await rig.engine.open(id)])
      await opener.write(id, turn * 100_000, content(`turn ${turn}`, 300_000))
      await opener.close()
      points.push(await kept(id))
    }
    await rig.engine.dropPoint(points[1] ?? newId())
    const clone = newId<"volume">()
    await rig.engine.createHead(clone, { sizeBytes: 6 * mebi, point: points[2] ?? newId() })
    for (const of of [id, clone]) {
      const top = (await rig.engine.open(of)).nodes.at(-2)?.["filename"]
      const raw = join(rig.dataDir, "as-read.raw")
      await writeFile(raw, await bytesOf(rig.engine, { volume: of }))
      const layer = join(rig.dataDir, String(top))
      await qemuImg("compare", "-f", "raw", "-F", "qcow2", raw, layer)
    }
    for (const path of await layerPaths()) await qemuImg("check", "-f", "qcow2", path)
  })

  test("is opened from the records alone: a header that lies is not followed", async () => {
    const bytes = patchy(4, 4 * mebi)
    const id = await volume(4 * mebi, bytes)
    await kept(id)
    const top = join(rig.dataDir, String((await rig.engine.open(id)).nodes.at(-2)?.["filename"]))
    await qemuImg("rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", "/etc/hostname", top)
    expect((await bytesOf(rig.engine, { volume: id })).equals(bytes)).toBe(true)
    const findings = await rig.engine.examine()
    expect(findings.map(({ what }) => what).join()).toContain("names /etc/hostname instead of")
  })

  test("node names are within QEMU's 31 characters, and no two alike", async () => {
    const id = await volume()
    for (let turn = 0; turn < 5; turn++) await kept(id)
    const names = (await rig.engine.open(id)).nodes.map((node) => node["node-name"])
    expect(new Set(names).size).toBe(12)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]{0,30}$/)
  })

  test("may be open in several processes at once, above a layer they share", async () => {
    const bytes = patchy(6, 4 * mebi)
    const id = await volume(4 * mebi, bytes)
    const point = await kept(id)
    const clones = [newId<"volume">(), newId<"volume">()]
    for (const clone of clones) {
      await rig.engine.createHead(clone, { sizeBytes: 4 * mebi, point })
    }
    const openers: Opener[] = []
    const graphs: DiskGraph[] = []
    for (const one of [id, ...clones]) graphs.push(await rig.engine.open(one))
    for (const graph of graphs) openers.push(await rig.opener([graph]))
    for (const [at, { volume }] of graphs.entries()) {
      await openers[at]?.write(volume, 0, content(`opener ${at}`, 4096))
    }
    expect((await bytesOf(rig.engine, { point })).equals(bytes)).toBe(true)
    for (const [at, { volume }] of graphs.entries()) {
      const seen = await openers[at]?.read(volume, 0, 4096)
      expect(seen?.equals(content(`opener ${at}`, 4096))).toBe(true)
    }
    for (const opener of openers) await opener.close()
  })

  test("does not grow by being armed and never switched", async () => {
    const id = await volume()
    for (let turn = 0; turn < 3; turn++) {
      const opener = await rig.opener([await rig.engine.open(id)])
      await rig.engine.arm(id)
      await opener.kill()
    }
    expect((await rig.engine.open(id)).nodes.length).toBe(2)
    expect((await layerPaths()).length).toBe(1)
  })

  test("a head that is open for writing is not opened a second time", async () => {
    const id = await volume(4 * mebi, patchy(2, 4 * mebi))
    const opener = await rig.opener([await rig.engine.open(id)])
    await fails("unavailable", bytesOf(rig.engine, { volume: id }))
    await opener.close()
    await bytesOf(rig.engine, { volume: id })
    expect(await readdir(join(rig.dataDir, "transfers"))).toEqual([])
  })
})

describe("at a new start", () => {
  test("a storage daemon that a dead server left over is ended, and its traces go", async () => {
    const bytes = patchy(1, 4 * mebi)
    const id = await volume(4 * mebi, bytes)
    const endless = new Readable({ read() {} })
    endless.push(Buffer.alloc(mebi, 1))
    const source = { format: "raw" as const, stream: endless, lengthBytes: null }
    const abandoned = rig.engine.write(id, source, watch()).catch(() => "it failed")
    while ((await readdir(join(rig.dataDir, "transfers"))).length < 2) await sleep(5)
    expect(await daemonsIn(rig.dataDir)).toBe(1)
    await rig.engine.recover()
    expect(await daemonsIn(rig.dataDir)).toBe(0)
    expect(await readdir(join(rig.dataDir, "transfers"))).toEqual([])
    endless.destroy()
    expect(await abandoned).toBe("it failed")
    expect((await bytesOf(rig.engine, { volume: id })).equals(bytes)).toBe(true)
    expect(await rig.engine.examine()).toEqual([])
  })

  test("half-made and unrecorded empty layers are swept, data that nobody knows is not", async () => {
    const id = await volume(4 * mebi, patchy(1, 4 * mebi))
    const layers = join(rig.dataDir, "layers")
    const [known] = await layerPaths()
    const stray = join(layers, `${newId()}.qcow2`)
    await copyFile(known ?? "", stray)
    await kept(id)
    const head = String((await rig.engine.open(id)).nodes.at(-2)?.["filename"])
    await copyFile(join(rig.dataDir, head), join(layers, `${newId()}.qcow2`))
    await writeFile(join(layers, `${newId()}.qcow2.part`), "half")
    await writeFile(join(rig.dataDir, "spool", "left.qcow2"), "over")
    await rig.engine.recover()
    expect((await layerPaths()).length).toBe(3)
    const found = await rig.engine.examine()
    expect(found.map(({ what }) => what)).toEqual([`no record knows the file ${stray}`])
    expect(await readdir(join(rig.dataDir, "spool"))).toEqual([])
    await rm(stray)
  })

  test("the directories' doors are closed to everybody but the service", async () => {
    await volume()
    const modes = await run(
      ["stat", "-c", "%a", ...["layers", "spool", "transfers"], ...(await layerPaths())],
      { cwd: rig.dataDir, timeoutMs },
    )
    const file = rig.user === null ? "600" : "660"
    expect(modes.trim().split("\n")).toEqual(["750", "750", "770", file])
  })
})

describe("what is not as it should be is told", () => {
  test("a missing layer, one of another size, one that is none", async () => {
    const ids = [await volume(), await volume(), await volume()]
    const paths: string[] = []
    for (const id of ids) {
      paths.push(join(rig.dataDir, String((await rig.engine.open(id)).nodes[0]?.["filename"])))
    }
    const [gone = "", grown = "", bent = ""] = paths
    await rm(gone)
    await qemuImg("resize", "-f", "qcow2", grown, "8M")
    await writeFile(bent, "no layer at all")
    const found = (await rig.engine.examine()).map(({ what }) => what).sort()
    const expected = [
      `${gone} is missing`,
      `${grown} is a disk of 8388608 bytes, recorded as 4194304`,
      `${bent} is no layer: it is not in qcow2 format`,
    ]
    expect(found).toEqual(expected.sort())
  })
})

test("a data directory may lie deeper than a socket's path is long", async () => {
  const base = await mkdtemp(join(tmpdir(), "tintype-deep-"))
  const deep = join(base, "a-directory-with-a-long-name".repeat(4), "and-another".repeat(4))
  await mkdir(deep, { recursive: true })
  await chmod(base, 0o711)
  const far = await qcow2RigIn(deep, rig.user)
  const id = newId<"volume">()
  await far.engine.createHead(id, { sizeBytes: mebi })
  const bytes = patchy(9, mebi)
  for (const format of ["raw", "qcow2"] as const) {
    await put(far.engine, id, bytes)
    const copy = await bytesOf(far.engine, { volume: id }, format)
    await put(far.engine, id, copy, format)
    expect((await bytesOf(far.engine, { volume: id })).equals(bytes)).toBe(true)
  }
  await far.end()
  await rm(base, { recursive: true })
})
