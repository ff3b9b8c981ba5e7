/** Bytes through the native face, both ways, and what the client sees when they stop. */
import { createHash, randomBytes } from "node:crypto"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { Readable, type Writable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { pipeline } from "node:stream/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Download, Upload } from "../../src/core/core.ts"
import { no, ok } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import {
  done,
  goodToken,
  id,
  image,
  operation,
  scriptedCore,
  snapshot,
  started,
  volume,
} from "../fixtures/scripted-core.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

const { core, script } = scriptedCore()
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(faces.native(), core, { limits: { lingerMs: 120_000 } })
})
afterAll(() => wire.close())

const content = `/api/volumes/${id(20)}/content`
const authorization = `Bearer ${goodToken}`
const megabytes = randomBytes(5 * 2 ** 20)
const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex")

/** The core's side of an export, as an engine would do it. */
const exporting =
  (pour: (sink: Download) => Promise<unknown>) =>
  async (...args: unknown[]) => {
    const sink = args[2] as Download
    sink.accepted?.(operation)
    await pour(sink)
    return ok(started(volume, done))
  }

describe("a download", () => {
  test("is the bytes, with their length and the operation's id before the first of them", async () => {
    script["volumes.exportTo"] = exporting((sink) => {
      expect(sink.format).toBe("raw")
      return pipeline(Readable.from([megabytes]), sink.open(megabytes.length))
    })
    const reply = await wire.ask(content)
    expect(reply.status).toBe(200)
    expect(sha(reply.bytes)).toBe(sha(megabytes))
    expect(reply.headers).toMatchObject({
      "content-length": `${megabytes.length}`,
      "content-type": "application/octet-stream",
      "x-operation-id": id(90),
    })
  })

  test("of unknown length is chunked, and ends with the work even if nobody ended the sink", async () => {
    script["snapshots.exportTo"] = async (_asking: unknown, wish: { sink: Download }) => {
      expect(wish).toMatchObject({ id: id(40), volume: id(20) })
      wish.sink.open(null).write(megabytes)
      return ok(started(snapshot, done))
    }
    const path = `/api/snapshots/${id(40)}/content?format=sparse&volumeId=${id(20)}`
    const reply = await wire.ask(path)
    expect(reply.bytes.length).toBe(megabytes.length)
    expect(reply.headers["content-length"]).toBe(undefined)
    expect(reply.headers["content-type"]).toBe("application/vnd.tintype.sparse")
  })

  test("refused before the first byte is an ordinary problem", async () => {
    const fault = {
      kind: "wrong-state",
      what: "volume",
      id: id(20),
      is: "failed",
      needs: [],
    } as const
    script["volumes.exportTo"] = () => no(fault)
    expect((await wire.ask(content)).json).toMatchObject({ status: 409, kind: "wrong-state" })
  })

  test("whose work is undone before the first byte says why", async () => {
    const fault = { kind: "no-space", neededBytes: 2, freeBytes: 1 } as const
    script["volumes.exportTo"] = () => ok(started(volume, { state: "undone", fault }))
    expect((await wire.ask(content)).json).toMatchObject({ status: 507 })
    script["volumes.exportTo"] = () => ok(started(volume, { state: "undone", reason: "odd" }))
    expect((await wire.ask(content)).json).toMatchObject({
      status: 500,
      kind: "failed",
      why: "odd",
    })
  })

  const breaking: [string, (sink: Download) => Promise<unknown>][] = [
    [
      "a fault",
      async (sink) => {
        sink.open(megabytes.length).write(megabytes.subarray(0, 1000))
        return no({ kind: "timeout", what: "disk", afterMs: 1 })
      },
    ],
    [
      "a bug",
      async (sink) => {
        sink.open(null).write(megabytes.subarray(0, 1000))
        throw new Error("bug")
      },
    ],
    [
      "fewer bytes than were promised",
      async (sink) => {
        sink.open(megabytes.length).end(megabytes.subarray(0, 1000))
        return ok(started(volume, done))
      },
    ],
  ]
  for (const [what, give] of breaking) {
    test(`that breaks off by ${what} cuts the connection`, async () => {
      script["volumes.exportTo"] = (_asking: unknown, _id: unknown, sink: Download) => give(sink)
      // On a connection that is kept, nothing but the cut tells that no more will come.
      const agent = new Agent({ keepAlive: true })
      await expect(wire.ask(content, { agent })).rejects.toThrow(/aborted|hang up|ECONNRESET/)
      agent.destroy()
    })
  }

  test("that its client leaves is let go of in the core", async () => {
    const left = Promise.withResolvers<unknown>()
    script["volumes.exportTo"] = async (_asking: unknown, _id: unknown, sink: Download) => {
      const endless = Readable.from(
        (function* () {
          for (;;) yield megabytes
        })(),
      )
      await pipeline(endless, sink.open(null)).catch(left.resolve)
      return no({ kind: "interrupted", what: "the export" })
    }
    const asked = request(`${wire.url}${content}`, { headers: { authorization } })
    asked.once("response", (response) => response.once("data", () => asked.destroy()))
    asked.once("error", () => {})
    asked.end()
    expect(await left.promise).toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" })
  })

  test("has no HEAD twin, because asking is work", async () => {
    const reply = await wire.ask(content, { method: "HEAD" })
    expect(reply.status).toBe(405)
    expect(reply.headers.allow).toBe("PUT, GET")
  })
})

describe("an upload", () => {
  test("reaches the core as it comes, and is answered at its end", async () => {
    script["volumes.importFrom"] = async (_asking: unknown, _id: unknown, source: Upload) => {
      expect(source).toMatchObject({ format: "raw", lengthBytes: megabytes.length })
      expect(sha(await buffer(source.stream))).toBe(sha(megabytes))
      return ok(started(volume, done))
    }
    const reply = await wire.ask(content, { method: "PUT", body: megabytes })
    expect(reply.json).toMatchObject({ id: id(20), operationId: id(90) })
    expect(reply.status).toBe(200)
  })

  test("without a length is taken in chunks", async () => {
    script["images.importFrom"] = async (_asking: unknown, wish: { source: Upload }) => {
      expect(wish.source.lengthBytes).toBe(null)
      expect((await buffer(wish.source.stream)).length).toBe(megabytes.length)
      return ok(started(image, done))
    }
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization, "transfer-encoding": "chunked" }
      const path = `${wire.url}/api/images?name=n&format=raw`
      const asked = request(path, { method: "POST", headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.once("error", reject)
      Readable.from([megabytes.subarray(0, 100), megabytes.subarray(100)]).pipe(asked)
    })
    expect(status).toBe(201)
  })

  test("whose work is undone is the fault that undid it", async () => {
    const fault = { kind: "bad-image", why: "it names another file" } as const
    script["images.importFrom"] = () => ok(started(image, { state: "undone", fault }))
    const path = "/api/images?name=n&format=qcow2"
    const reply = await wire.ask(path, { method: "POST", body: "QFI" })
    expect(reply.json).toMatchObject({ status: 422, kind: "bad-image", why: fault.why })
  })

  test("refused in its middle is told so, though its reader destroyed the stream", async () => {
    script["volumes.importFrom"] = async (_asking: unknown, _id: unknown, source: Upload) => {
      for await (const _piece of source.stream) break
      expect(source.stream.destroyed).toBe(true)
      return no({ kind: "size", what: "the stream", bytes: megabytes.length, atMost: 1024 })
    }
    const reply = await wire.ask(content, { method: "PUT", body: megabytes })
    expect(reply.json).toMatchObject({ status: 400, kind: "size", atMost: 1024 })
    expect(reply.headers.connection).toBe("close")
  })

  test("refused in its middle, if it is small, leaves its connection to the next request", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const body = megabytes.subarray(0, 800_000)
    const refused = await wire.ask(content, { method: "PUT", body, agent })
    expect(refused.json).toMatchObject({ kind: "size" })
    expect(refused.headers.connection).toBe("keep-alive")
    expect((await wire.ask("/livez", { agent })).status).toBe(200)
    agent.destroy()
  })

  test("of a stranger is refused before it is read, however long it goes on", async () => {
    const brief = await wireTo(faces.native(), core, { limits: { lingerMs: 500 } })
    const socket = connect(Number(new URL(brief.url).port), "127.0.0.1")
    socket.on("error", () => {})
    socket.write(`PUT ${content} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const feeding = setInterval(() => socket.write(`10000\r\n${"x".repeat(65536)}\r\n`), 20)
    let told = ""
    for await (const piece of socket) told += piece
    clearInterval(feeding)
    await brief.close()
    expect(told).toMatch(/^HTTP\/1.1 401 /)
    expect(told).toContain('"kind":"unauthenticated"')
  })

  test("that its client leaves is an error of the stream, never its end", async () => {
    const ended = Promise.withResolvers<unknown>()
    script["volumes.importFrom"] = async (_asking: unknown, _id: unknown, source: Upload) => {
      await buffer(source.stream).then(ended.resolve, ended.reject)
      return no({ kind: "interrupted", what: "the upload" })
    }
    const headers = { authorization, "content-length": "1000000" }
    const asked = request(`${wire.url}${content}`, { method: "PUT", headers })
    asked.once("error", () => {})
    asked.write("x".repeat(1000), () => asked.destroy())
    await expect(ended.promise).rejects.toThrow(/went away/)
  })
})

describe("a copy of the ledger", () => {
  test("comes as bytes", async () => {
    script["house.backup"] = async (_who: unknown, sink: Writable) => {
      await pipeline(Readable.from([megabytes]), sink)
      return ok(null)
    }
    const reply = await wire.ask("/api/backup")
    expect(sha(reply.bytes)).toBe(sha(megabytes))
    expect(reply.headers["content-type"]).toBe("application/octet-stream")
  })
  test("is refused with a problem to those who may not have it", async () => {
    script["house.backup"] = () => no({ kind: "forbidden", why: "this needs the role admin" })
    expect((await wire.ask("/api/backup")).json).toMatchObject({ status: 403 })
  })
})

test("a console's bytes are sent as they are", async () => {
  script["machines.console"] = (_who: unknown, _id: unknown, bytes: number) =>
    ok(Buffer.from(`last ${bytes}\u001b[0m`))
  const reply = await wire.ask(`/api/machines/${id(10)}/console?bytes=5`)
  expect(reply.bytes.toString()).toBe("last 5\u001b[0m")
  expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8")
})

test("metrics are text, for whoever asks", async () => {
  script["house.metrics"] = () => "tintype_up 1\n"
  const reply = await wire.ask("/metrics", { token: null })
  expect(reply.bytes.toString()).toBe("tintype_up 1\n")
  expect(reply.headers["content-type"]).toContain("text/plain; version=0.0.4")
})
