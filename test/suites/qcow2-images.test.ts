/** Images from outside: the honest ones pass whatever their make, the others change nothing. */
import { copyFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { FaultKind } from "../../src/domain/fault.ts"
import { newId } from "../../src/domain/ids.ts"
import { bytesOf, content, fails, mebi, patchy, put } from "../../src/engines/content.suite.ts"
import { check } from "../../src/engines/qcow2/qemu-img.ts"
import { run } from "../../src/platform/command.ts"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"

const timeoutMs = 60_000
const size = 8 * mebi
const disk = patchy(11, size)
const old = content("what was there", size)

let place: string
let rig: Qcow2Rig
const volume = newId<"volume">()
const qemuImg = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs, cwd: place })

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "tintype-images-"))
  await writeFile(join(place, "disk.raw"), disk)
})
afterAll(() => rm(place, { recursive: true }))
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.createHead(volume, { sizeBytes: size })
  await put(rig.engine, volume, old)
})
afterEach(() => rig.end())

const converted = async (...args: string[]) => {
  await qemuImg("convert", "-f", "raw", "-O", "qcow2", ...args, "disk.raw", "image.qcow2")
  return join(place, "image.qcow2")
}

/** An honest image with these bytes written over it. */
async function bent(at: number, bytes: number[] | Buffer): Promise<string> {
  const path = await converted()
  const file = await open(path, "r+")
  await file.write(Buffer.from(bytes), 0, bytes.length, at)
  await file.close()
  return path
}

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

describe("an honest image", () => {
  const makes: Record<string, string[]> = {
    "as it comes": [],
    "of version 2": ["-o", "compat=0.10"],
    "compressed by zlib": ["-c"],
    "compressed by zstd": ["-c", "-o", "compression_type=zstd"],
    "in clusters of 512 bytes": ["-o", "cluster_size=512"],
    "in clusters of 2 MiB": ["-o", "cluster_size=2M"],
    "with extended L2 entries": ["-o", "extended_l2=on,cluster_size=128k"],
    "with lazy refcounts": ["-o", "lazy_refcounts=on"],
    "with counts of one bit": ["-o", "refcount_bits=1"],
  }
  test.each(Object.entries(makes))("%s is taken bit for bit", async (_make, args) => {
    await put(rig.engine, volume, await readFile(await converted(...args)), "qcow2")
    expect((await bytesOf(rig.engine, { volume })).equals(disk)).toBe(true)
    expect(await rig.engine.examine()).toEqual([])
  })

  test("is taken every time, whatever threads its check happens to have", async () => {
    await converted("-o", "cluster_size=512")
    await copyFile(join(place, "image.qcow2"), join(rig.dataDir, "spool", "honest"))
    const checks = Array.from({ length: 48 }, () => check(rig, "honest"))
    expect(await Promise.all(checks)).toHaveLength(48)
  })

  test("with internal snapshots is taken as it stands now", async () => {
    const path = await converted()
    await qemuImg("snapshot", "-c", "before", path)
    await put(rig.engine, volume, await readFile(path), "qcow2")
    expect((await bytesOf(rig.engine, { volume })).equals(disk)).toBe(true)
  })

  test("smaller than the volume leaves zeros behind it", async () => {
    await qemuImg("create", "-f", "qcow2", "small.qcow2", "1M")
    await put(rig.engine, volume, await readFile(join(place, "small.qcow2")), "qcow2")
    expect((await bytesOf(rig.engine, { volume })).equals(Buffer.alloc(size))).toBe(true)
  })

  test("that we wrote stands alone, and is compact", async () => {
    const image = await bytesOf(rig.engine, { volume }, "qcow2")
    await writeFile(join(place, "export.qcow2"), image)
    const info = JSON.parse(await qemuImg("info", "--output=json", "export.qcow2"))
    expect(info).toMatchObject({ format: "qcow2", "virtual-size": size })
    expect(info).not.toHaveProperty("backing-filename")
    await put(rig.engine, volume, Buffer.alloc(0))
    expect((await bytesOf(rig.engine, { volume }, "qcow2")).length).toBeLessThan(mebi)
  })
})

type Hostile = { make(): Promise<string | Buffer>; fault: FaultKind; why?: RegExp }

const made =
  (...args: string[]) =>
  async () => {
    await qemuImg("create", "-q", "-f", "qcow2", ...args)
    return join(place, "evil.qcow2")
  }

const hostile: Record<string, Hostile> = {
  "names a backing file": {
    make: made("-u", "-b", "/etc/passwd", "-F", "raw", "evil.qcow2", "1M"),
    fault: "bad-image",
    why: /backing/,
  },
  "names a json: path": {
    make: made(
      ...["-u", "-b", 'json:{"driver":"file","filename":"/etc/passwd"}', "-F", "raw"],
      ...["evil.qcow2", "1M"],
    ),
    fault: "bad-image",
    why: /backing/,
  },
  "names an nbd server": {
    make: made("-u", "-b", "nbd://127.0.0.1:10809/x", "-F", "raw", "evil.qcow2", "1M"),
    fault: "bad-image",
    why: /backing/,
  },
  "names an external data file": {
    make: made("-o", "data_file=data.raw,data_file_raw=on", "evil.qcow2", "1M"),
    fault: "bad-image",
    why: /data file/,
  },
  "names a data file without saying so": {
    make: () =>
      bent(112, [
        0x44,
        0x41,
        0x54,
        0x41,
        0,
        0,
        0,
        8,
        ...Buffer.from("/etc/pwd"),
        ...Buffer.alloc(8),
      ]),
    fault: "bad-image",
    why: /data file/,
  },
  "has its data elsewhere without naming it": {
    make: () => bent(72, u64(0b100n)),
    fault: "bad-image",
    why: /data file/,
  },
  "has features nobody knows": { make: () => bent(72, u64(1n << 40n)), fault: "bad-image" },
  "is marked as corrupt": { make: () => bent(72, u64(0b10n)), fault: "bad-image", why: /corrupt/ },
  "is encrypted": { make: () => bent(32, [0, 0, 0, 1]), fault: "bad-image", why: /encrypted/ },
  "is of version 4": { make: () => bent(4, [0, 0, 0, 4]), fault: "bad-image", why: /version 4/ },
  "has absurd clusters": { make: () => bent(20, [0, 0, 0, 40]), fault: "bad-image" },
  "has an absurd L1 table": { make: () => bent(36, [0x7f, 0xff, 0xff, 0xff]), fault: "bad-image" },
  "has its L1 table beyond its end": { make: () => bent(40, u64(1n << 50n)), fault: "bad-image" },
  "has its refcounts beyond its end": { make: () => bent(48, u64(1n << 50n)), fault: "bad-image" },
  "has a header longer than itself": {
    make: () => bent(100, [0x7f, 0xff, 0xff, 0xff]),
    fault: "bad-image",
  },
  "has an absurd extension": {
    make: () => bent(112, [1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff]),
    fault: "bad-image",
  },
  "is larger than any number": { make: () => bent(24, u64(2n ** 64n - 1n)), fault: "bad-image" },
  "shows a disk of an exbibyte": { make: () => bent(24, u64(2n ** 52n)), fault: "size" },
  "shows a disk larger than the volume": {
    make: made("evil.qcow2", String(size + 65_536)),
    fault: "size",
  },
  "was cut in its middle": {
    async make() {
      const bytes = await readFile(await converted())
      return bytes.subarray(0, bytes.length / 2)
    },
    fault: "bad-image",
  },
  "lacks two clusters at its end": {
    async make() {
      const bytes = await readFile(await converted())
      return bytes.subarray(0, -2 * 65_536)
    },
    fault: "bad-image",
  },
  "points outside itself": {
    async make() {
      const path = await converted()
      const bytes = await readFile(path)
      const l2 = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & ~(3n << 62n))
      bytes.writeBigUInt64BE((1n << 63n) | (2n ** 40n), l2)
      return bytes
    },
    fault: "bad-image",
  },
  "is a raw disk by the name of qcow2": { make: async () => disk, fault: "bad-image" },
  "is garbage behind the right first bytes": {
    make: async () => Buffer.concat([Buffer.from("QFI\xfb", "latin1"), content("junk", mebi)]),
    fault: "bad-image",
  },
  "is empty": { make: async () => Buffer.alloc(0), fault: "bad-image" },
  "is far longer than the volume": { make: async () => Buffer.alloc(90 * mebi), fault: "size" },
}

describe("an image that is refused changes nothing", () => {
  test.each(Object.entries(hostile))("one that %s", async (_what, { make, fault, why }) => {
    const image = await make()
    const bytes = typeof image === "string" ? await readFile(image) : image
    const writing = put(rig.engine, volume, bytes, "qcow2")
    if (why !== undefined) await expect(writing).rejects.toThrow(why)
    await fails(fault, writing)
    expect((await bytesOf(rig.engine, { volume })).equals(old)).toBe(true)
    expect(await rig.engine.examine()).toEqual([])
    await rig.engine.dropHead(volume)
    expect(await rig.leftovers()).toEqual([])
  })
})
