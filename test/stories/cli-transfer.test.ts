/** Disks on their way in and out: whole or not at all, and without their holes. */
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { frameHeader, readFrames, sparseType } from "../../src/domain/sparse.ts"
import { problem, type Script, type StandIn, standIn, start, tintype } from "./cli-stand-in.ts"

const id = "01938000-0000-7000-8000-000000000001"
const work = "01938000-0000-7000-8000-0000000000aa"
const mib = 2 ** 20
const volume = { id, name: "data", state: "available", sizeBytes: 64 * mib }
const done = { id: work, state: "done", progress: 100, message: "", reason: null, fault: null }

let folder = ""
const servers: StandIn[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tintype-cli-"))
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close().catch(() => {})
  await rm(folder, { recursive: true })
})
async function against(script: Script): Promise<StandIn> {
  const server = await standIn({ [`GET /api/volumes/${id}`]: { json: volume }, ...script })
  servers.push(server)
  return server
}
const path = (name: string) => join(folder, name)

/** 64 MiB, of which two pieces are data, one of them ending inside a block. */
async function sparseFile(name: string): Promise<Buffer> {
  const file = await open(path(name), "w")
  await file.write(Buffer.alloc(3 * mib, "picture"), 0, 3 * mib, 5 * mib)
  await file.write(Buffer.from("the end"), 0, 7, 64 * mib - 7)
  await file.close()
  return readFile(path(name))
}

describe("import", () => {
  type Taken = { type: unknown; length: unknown; bytes: number; content: Buffer }
  const takes = (into: Taken[]) => async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const type = request.headers["content-type"]
    const length = request.headers["content-length"]
    const body = Buffer.concat(chunks)
    const content = type === sparseType ? await filled(body) : body
    into.push({ type, length, bytes: body.length, content })
    response.end(JSON.stringify({ ...volume, operationId: work }))
  }

  test("a raw disk travels without its holes and arrives bit for bit", async () => {
    const content = await sparseFile("disk.raw")
    const taken: Taken[] = []
    const server = await against({ [`PUT /api/volumes/${id}/content`]: takes(taken) })
    const ran = await tintype(server.url, "volume", "import", id, path("disk.raw"), "-o", "json")
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, { ...volume, operationId: work }])
    const [asked = ""] = server.asked()
    expect(asked).toMatch(new RegExp(`^PUT /api/volumes/${id}/content\\?format=raw&mostBytes=`))
    const most = Number(asked.split("=").at(-1))
    expect(most).toBeGreaterThanOrEqual(taken[0]?.bytes ?? 0)
    expect(most).toBeLessThan(4 * mib)
    expect(taken[0]?.content.equals(content)).toBe(true)
    expect(taken[0]?.bytes).toBeLessThan(4 * mib)
    expect(ran.stderr).toContain("of 64 MiB")
  })

  test("what comes through a pipe is a disk too", async () => {
    const content = Buffer.concat([Buffer.alloc(mib), Buffer.from("tail"), Buffer.alloc(100)])
    const taken: Taken[] = []
    const server = await against({ [`PUT /api/volumes/${id}/content`]: takes(taken) })
    const ran = await start(server.url, ["volume", "import", id, "-"], content).ended
    expect(ran.code).toBe(0)
    expect(taken[0]?.content.equals(content)).toBe(true)
    expect(taken[0]?.bytes).toBeLessThan(mib)
  })

  test("a qcow2 file is sent as it is", async () => {
    const content = Buffer.alloc(3 * mib, "QFI")
    await writeFile(path("disk.qcow2"), content)
    const taken: Taken[] = []
    const server = await against({ "POST /api/images": takes(taken) })
    const file = path("disk.qcow2")
    const ran = await tintype(
      server.url,
      "image",
      "import",
      "--name",
      "d",
      "--format",
      "qcow2",
      file,
    )
    expect(ran.code).toBe(0)
    expect(server.asked()).toEqual(["POST /api/images?name=d&format=qcow2"])
    const sent = { type: "application/octet-stream", length: String(3 * mib), bytes: 3 * mib }
    expect(taken[0]).toMatchObject(sent)
    expect(taken[0]?.content.equals(content)).toBe(true)
  })

  test("a refusal in the middle of the body ends it, in the server's words", async () => {
    await writeFile(path("big.raw"), Buffer.alloc(48 * mib, 1))
    const server = await against({
      [`PUT /api/volumes/${id}/content`]: (request, response) => {
        request.once("data", () => {
          request.pause()
          response.statusCode = 409
          response.end(JSON.stringify({ kind: "wrong-state", detail: "the volume is in use" }))
        })
      },
    })
    const ran = await tintype(server.url, "volume", "import", id, path("big.raw"))
    expect(ran.code).toBe(5)
    expect(ran.stderr).toContain("tintype: the volume is in use\n")
  })

  test("a connection that breaks is a failure, not a success", async () => {
    await writeFile(path("big.raw"), Buffer.alloc(16 * mib, 1))
    const server = await against({
      [`PUT /api/volumes/${id}/content`]: (request) =>
        request.once("data", () => request.socket.destroy()),
    })
    const ran = await tintype(server.url, "volume", "import", id, path("big.raw"))
    expect([ran.code, ran.stdout]).toEqual([1, ""])
    expect(ran.stderr).toContain("failed")
  })

  test("a file that is not there is said before anything is sent", async () => {
    const server = await against({ [`PUT /api/volumes/${id}/content`]: problem(500, "x", "sent") })
    for (const name of ["nowhere.raw", "."]) {
      expect((await tintype(server.url, "volume", "import", "data", path(name))).code).toBe(2)
    }
    expect(server.heard).toEqual([])
  })
})

describe("export", () => {
  const frame = (offset: number, data: Buffer) =>
    Buffer.concat([frameHeader(offset, data.length), data])
  const last = frameHeader(64 * mib, 0)
  const sends =
    (...pieces: Uint8Array[]) =>
    (_: unknown, response: ServerResponse) => {
      response.setHeader("x-operation-id", work)
      for (const piece of pieces) response.write(piece)
      response.end()
    }
  const content = `GET /api/volumes/${id}/content`
  const ended = { [`GET /api/operations/${work}`]: { json: done } }
  const run = (server: StandIn, ...more: string[]) =>
    tintype(server.url, "volume", "export", id, path("out.raw"), ...more)

  test("the file has the disk's size and its holes", async () => {
    const data = Buffer.alloc(2 * mib, "tin")
    const server = await against({
      ...ended,
      [content]: sends(frame(7 * mib, data), frame(9 * mib, Buffer.from("x")), last),
    })
    const ran = await run(server, "-o", "json")
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, { ...volume, operationId: work }])
    const whole = await readFile(path("out.raw"))
    expect(whole.length).toBe(64 * mib)
    expect(whole.subarray(7 * mib, 9 * mib + 1).toString()).toBe(`${data}x`)
    expect(whole.subarray(0, 7 * mib).every((byte) => byte === 0)).toBe(true)
    expect((await stat(path("out.raw"))).blocks * 512).toBeLessThan(3 * mib)
    expect(server.asked()).toContain(`${content}?format=sparse`)
  })

  test("a stream that is cut leaves no file, and what was there stays", async () => {
    await writeFile(path("out.raw"), "precious")
    const cuts = [
      sends(frame(0, Buffer.alloc(mib, 1))),
      sends(frame(0, Buffer.alloc(9)).subarray(5)),
    ]
    for (const cut of cuts) {
      const server = await against({ ...ended, [content]: cut })
      const ran = await run(server, "--force")
      expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining("was not written")])
      expect(await readdir(folder)).toEqual(["out.raw"])
      expect(await readFile(path("out.raw"), "utf8")).toBe("precious")
    }
  })

  test("a qcow2 stream shorter than announced leaves no file", async () => {
    const server = await against({
      [content]: (_, response) => {
        response.setHeader("content-length", "1000")
        response.write(Buffer.alloc(500))
        setTimeout(() => response.destroy(), 50)
      },
    })
    expect((await run(server, "--format", "qcow2")).code).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  test("work that failed at the last byte leaves no file", async () => {
    const undone = {
      ...done,
      state: "undone",
      reason: "the disk is bad",
      fault: { kind: "failed" },
    }
    const server = await against({
      [`GET /api/operations/${work}`]: { json: undone },
      [content]: sends(last),
    })
    const ran = await run(server)
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining("the disk is bad")])
    expect(await readdir(folder)).toEqual([])
  })

  test("a file that is there is replaced only with --force", async () => {
    await writeFile(path("out.raw"), "old")
    const server = await against({ ...ended, [content]: sends(last) })
    const refused = await run(server)
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining("--force")])
    expect(server.asked()).not.toContain(`${content}?format=sparse`)
    expect((await run(server, "--force")).code).toBe(0)
    expect((await stat(path("out.raw"))).size).toBe(64 * mib)
  })

  test("a file that came to be meanwhile is not replaced", async () => {
    const server = await against({
      ...ended,
      [content]: async (_, response) => {
        await writeFile(path("out.raw"), "new")
        sends(last)(_, response)
      },
    })
    expect((await run(server)).code).toBe(5)
    expect(await readFile(path("out.raw"), "utf8")).toBe("new")
    expect(await readdir(folder)).toEqual(["out.raw"])
  })

  test("Ctrl-C leaves nothing behind", async () => {
    const server = await against({
      [content]: (_, response) => response.write(frame(0, Buffer.alloc(mib, 1))),
    })
    const running = start(server.url, ["volume", "export", id, path("out.raw")])
    while ((await readdir(folder)).length === 0 || server.heard.length < 2) {
      await new Promise(setImmediate)
    }
    running.kill("SIGINT")
    expect((await running.ended).code).toBe(130)
    expect(await readdir(folder)).toEqual([])
  })

  test("a backup is a file like any other", async () => {
    const server = await against({
      "GET /api/backup": (_, response) => response.end("the ledger"),
    })
    const ran = await tintype(server.url, "backup", path("ledger"), "-o", "json")
    expect(JSON.parse(ran.stdout)).toEqual({ file: path("ledger"), sizeBytes: 10 })
    expect(await readFile(path("ledger"), "utf8")).toBe("the ledger")
  })
})

async function filled(stream: Buffer): Promise<Buffer> {
  async function* once() {
    yield stream
  }
  const frames = readFrames(once())
  const pieces: { offset: number; data: Uint8Array }[] = []
  for (;;) {
    const next = await frames.next()
    if (next.done) {
      const whole = Buffer.alloc(next.value)
      for (const { offset, data } of pieces) whole.set(data, offset)
      return whole
    }
    pieces.push(next.value)
  }
}
