/** What is left of a transfer that fails: the old content, and nothing else. */
import { PassThrough, Readable } from "node:stream"
import { expect, test } from "vitest"
import { frameHeader } from "../domain/sparse.ts"
import { blank, bytesOf, content, fails, odd, patchy, put, stream, watch } from "./content.suite.ts"
import type { StreamFormat } from "./engine.ts"
import type { Rig } from "./engine-rig.suite.ts"

type Failure = { formats: readonly StreamFormat[]; fault: Parameters<typeof fails>[0] }
type Broken = Failure & {
  what: string
  stream(good: Buffer): Readable
  lengthBytes?: number | null
  mostBytes?: number
}

const all: readonly StreamFormat[] = ["raw", "sparse", "qcow2"]
const broken: readonly Broken[] = [
  {
    what: "ends before its length",
    formats: all,
    fault: "interrupted",
    stream: (good) => stream(good.subarray(0, good.length / 2)),
  },
  {
    what: "breaks in its middle",
    formats: all,
    fault: "interrupted",
    stream: (good) =>
      Readable.from(
        (async function* () {
          yield good.subarray(0, good.length / 2)
          throw new Error("the line is dead")
        })(),
      ),
  },
  {
    what: "lacks its last frame",
    formats: ["sparse"],
    fault: "interrupted",
    stream: (good) => stream(good.subarray(0, -12)),
    lengthBytes: null,
  },
  {
    what: "goes on after its last frame",
    formats: ["sparse"],
    fault: "bad-image",
    stream: (good) => Readable.from([good, Buffer.from("more")]),
    lengthBytes: null,
  },
  {
    what: "goes backwards",
    formats: ["sparse"],
    fault: "bad-image",
    stream: () =>
      stream(
        Buffer.concat([
          frameHeader(512, 4),
          Buffer.alloc(4, 1),
          frameHeader(0, 4),
          Buffer.alloc(4),
        ]),
      ),
    lengthBytes: null,
  },
  {
    what: "is longer than it was to be at most",
    formats: all,
    fault: "size",
    stream,
    lengthBytes: null,
    mostBytes: 1000,
  },
  {
    what: "is of a larger disk",
    formats: ["sparse"],
    fault: "size",
    stream: () => stream(Buffer.from(frameHeader(odd + 512, 0))),
    lengthBytes: null,
  },
  {
    what: "is longer than the volume, and says so",
    formats: ["raw"],
    fault: "size",
    stream: () => stream(Buffer.alloc(odd + 1, 1)),
    lengthBytes: odd + 1,
  },
  {
    what: "is longer than the volume without saying so",
    formats: ["raw"],
    fault: "size",
    stream: () => stream(Buffer.alloc(odd + 1, 1)),
    lengthBytes: null,
  },
]

export function failureStories(rig: () => Rig): void {
  for (const { what, formats, fault, stream, lengthBytes, mostBytes } of broken) {
    test(`a stream that ${what} leaves the old content`, async () => {
      const { engine, leftovers } = rig()
      const old = patchy(3, odd)
      const volume = await blank(rig())
      await put(engine, volume, old)
      for (const format of formats.filter((one) => rig().formats.includes(one))) {
        const good = await bytesOf(engine, { volume }, format)
        const source = {
          format,
          stream: stream(good),
          lengthBytes: lengthBytes === undefined ? good.length : lengthBytes,
          ...(mostBytes === undefined ? {} : { mostBytes }),
        }
        await fails(fault, engine.write(volume, source, watch()))
        expect((await bytesOf(engine, { volume })).equals(old)).toBe(true)
        expect(await engine.examine()).toEqual([])
      }
      await engine.dropHead(volume)
      expect(await leftovers()).toEqual([])
    })
  }

  test("an aborted transfer stops with the abort's reason and leaves the old content", async () => {
    const { engine, formats } = rig()
    const volume = await blank(rig())
    const old = patchy(5, odd)
    await put(engine, volume, old)
    for (const format of formats) {
      const abort = new AbortController()
      const endless = new Readable({ read() {} })
      endless.push((await bytesOf(engine, { volume }, format)).subarray(0, 30_000))
      const source = { format, stream: endless, lengthBytes: null }
      const writing = engine.write(volume, source, {
        signal: abort.signal,
        progress: () => abort.abort(new Error("enough")),
      })
      await expect(writing).rejects.toThrow("enough")
      const refused = engine.read(
        { volume },
        { format, open: () => new PassThrough() },
        watch(abort.signal),
      )
      await expect(refused).rejects.toThrow("enough")
      expect((await bytesOf(engine, { volume })).equals(old)).toBe(true)
    }
    expect(await engine.examine()).toEqual([])
  })

  test("a sink that hangs up is an interruption, a slow one is waited for", async () => {
    const { engine, formats } = rig()
    const volume = await blank(rig())
    const disk = content("to a slow reader", odd)
    await put(engine, volume, disk)
    for (const format of formats) {
      const open = () => {
        const sink = new PassThrough()
        sink.once("data", () => sink.destroy())
        return sink
      }
      await fails("interrupted", engine.read({ volume }, { format, open }, watch()))
    }
    const slow = new PassThrough({ highWaterMark: 1000 })
    const got: Buffer[] = []
    const reading = engine.read({ volume }, { format: "raw", open: () => slow }, watch())
    for await (const part of slow) {
      got.push(part)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await reading
    expect(Buffer.concat(got).equals(disk)).toBe(true)
  })
}
