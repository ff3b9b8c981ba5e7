/** The listener under any face: what it folds, bounds, cuts, waits for and never tells. */
import { generateKeyPairSync } from "node:crypto"
import { once } from "node:events"
import { Agent, type IncomingMessage, request } from "node:http"
import { request as tlsRequest } from "node:https"
import { connect } from "node:net"
import { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { afterEach, describe, expect, test } from "vitest"
import { ok } from "../../src/domain/fault.ts"
import type { Answer, Face, Method, Request, Route } from "../../src/faces/face.ts"
import type { Exchanged } from "../../src/http/exchange.ts"
import { openLog } from "../../src/http/log.ts"
import type { ServeOptions } from "../../src/http/serve.ts"
import { admin, scriptedCore } from "../fixtures/scripted-core.ts"
import { selfSigned } from "../fixtures/self-signed.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

type Given = Partial<Route> & { path: string; does?(request: Request): Answer | Promise<Answer> }

const route = ({ does = () => ({ status: 204 }), ...given }: Given): Route => ({
  method: "GET",
  ...given,
  answer: async (_core, _who, asked) => ok(await does(asked)),
})

/** A face of few words: mishaps are `kind why`, faults are their kind. */
const plainFace = (routes: Given[]): Face => ({
  name: "plain",
  routes: routes.map(route),
  bodyLimitBytes: 1000,
  identify: async () => ok(admin),
  renderFault: ({ kind }) => ({ status: 400, body: kind }),
  renderMishap: ({ kind, status }) => ({ status, body: kind }),
  headers: () => ({ "X-Face": "plain", "cache-control": "private" }),
})

const open: Wire[] = []
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close()
})
async function serve(routes: Given[], options: Partial<ServeOptions> = {}): Promise<Wire> {
  const wire = await wireTo(plainFace(routes), scriptedCore().core, options)
  open.push(wire)
  return wire
}
const portOf = (wire: Wire) => Number(new URL(wire.url).port)

/** Sends text as it is and gives back all that comes until the other side is done. */
async function raw(wire: Wire, text: string): Promise<string> {
  const socket = connect(portOf(wire), "127.0.0.1")
  socket.on("error", () => {})
  socket.write(text)
  let told = ""
  for await (const piece of socket) told += piece
  return told
}

describe("a path", () => {
  const echo = ({ url, urlAsSent, path, params }: Request) => ({
    status: 200,
    body: { url, urlAsSent, path, params },
  })

  test("is found with slashes before and after it, and both texts are told", async () => {
    const wire = await serve([{ path: "/things/:name", does: echo }])
    expect((await wire.ask("///things/a%2Fb/?x=1")).json).toEqual({
      url: "/things/a%2Fb/?x=1",
      urlAsSent: "///things/a%2Fb/?x=1",
      path: "/things/a%2Fb/",
      params: { name: "a/b" },
    })
  })

  test("is found where slashes meet in its middle; what is asked of it is left as it is", async () => {
    const wire = await serve([{ path: "/things/:name/parts", does: echo }])
    expect((await wire.ask("//things///a//parts//?x=//y")).json).toEqual({
      url: "/things/a/parts/?x=//y",
      urlAsSent: "//things///a//parts//?x=//y",
      path: "/things/a/parts/",
      params: { name: "a" },
    })
  })

  test("may come with a host before it", async () => {
    const wire = await serve([{ path: "/things/:name", does: echo }])
    const told = await raw(
      wire,
      "GET http://h/things/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    )
    expect(told).toContain('"url":"/things/a"')
  })

  test("is refused in the face's words: unknown, ill-formed, too long", async () => {
    const wire = await serve([{ path: "/things/:name" }], { limits: { urlBytes: 200 } })
    const told = async (path: string) => {
      const { status, bytes, headers } = await wire.ask(path)
      expect(headers["x-face"]).toBe("plain")
      return [status, bytes.toString()]
    }
    expect(await told("/nothing")).toEqual([404, "no-route"])
    expect(await told("/things/%zz")).toEqual([400, "malformed"])
    expect(await told(`/things/${"x".repeat(195)}`)).toEqual([414, "long-url"])
  })

  test("keeps the Accept-Version that some clients send", async () => {
    const does = ({ headers }: Request) => ({ status: 200, body: `${headers["accept-version"]}` })
    const wire = await serve([{ path: "/v", does }])
    const reply = await wire.ask("/v", { headers: { "accept-version": "~8||~7" } })
    expect(reply.bytes.toString()).toBe("~8||~7")
  })
})

describe("a method", () => {
  const both = [
    { path: "/x/:id", does: ({ method }: Request) => ({ status: 200, body: { method } }) },
    { path: "/x/:name", method: "PUT" as Method },
    { path: "/x/detail", does: () => ({ status: 200, body: "detail" }) },
  ]

  test("HEAD is GET without the body", async () => {
    const wire = await serve(both)
    const get = await wire.ask("/x/1")
    const head = await wire.ask("/x/1", { method: "HEAD" })
    expect(head.status).toBe(200)
    expect(head.bytes.length).toBe(0)
    expect(Number(head.headers["content-length"])).toBe(get.bytes.length + 1)
    expect(head.headers["content-type"]).toBe(get.headers["content-type"])
  })

  test("that a path does not take is told with those that it does", async () => {
    const wire = await serve(both)
    for (const method of ["DELETE", "POST", "PATCH", "OPTIONS", "TRACE"]) {
      const reply = await wire.ask("/x/1", { method })
      expect([reply.status, reply.headers.allow]).toEqual([405, "GET, PUT, HEAD"])
      expect(reply.bytes.toString()).toBe("wrong-method")
    }
    expect((await wire.ask("/x/detail")).bytes.toString()).toBe("detail")
  })
})

describe("a body", () => {
  const echo = {
    path: "/",
    method: "POST" as Method,
    does: ({ bytes }: Request) => ({ status: 200, body: bytes }),
  }

  test("reaches the face whole, whatever its type says", async () => {
    const wire = await serve([echo])
    for (const type of ["application/json", "json", ";;", "text/plain;charset=UTF-8"]) {
      const sent = { method: "POST", headers: { "content-type": type }, body: "{bad" }
      expect((await wire.ask("/", sent)).bytes.toString()).toBe("{bad")
    }
  })

  test("has a limit, told or not, and the connection goes on after a small excess", async () => {
    const wire = await serve([echo])
    const body = "x".repeat(1001)
    expect((await wire.ask("/", { method: "POST", body })).status).toBe(413)
    const headers = { "transfer-encoding": "chunked" }
    const { status, bytes } = await new Promise<{ status?: number; bytes: Buffer }>((resolve) => {
      const asked = request(wire.url, { method: "POST", headers }, async (response) =>
        resolve({ status: response.statusCode ?? 0, bytes: await buffer(response) }),
      )
      asked.end(body)
    })
    expect([status, bytes.toString()]).toEqual([413, "too-large"])
  })

  test("that does not come in time is not waited for", async () => {
    const wire = await serve([echo], { limits: { bodyMs: 50, lingerMs: 50 } })
    const told = await raw(wire, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999\r\n\r\n")
    expect(told).toMatch(/^HTTP\/1.1 413 /)
    const slow = await raw(
      wire,
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    )
    expect(slow).toMatch(/^HTTP\/1.1 408 [\s\S]*slow$/)
  })

  test("is not asked for before it is known who sends it", async () => {
    const face = plainFace([echo])
    let seen: Buffer | undefined
    const identify: Face["identify"] = async (_core, asked) => {
      seen = asked.bytes
      return { ok: false, fault: { kind: "forbidden", why: "" } }
    }
    const wire = await wireTo({ ...face, identify }, scriptedCore().core)
    open.push(wire)
    const reply = await wire.ask("/", { method: "POST", body: "hello" })
    expect(reply.bytes.toString()).toBe("forbidden")
    expect(seen?.length).toBe(0)
  })
})

describe("time", () => {
  test("headers that never end are not waited for", async () => {
    const wire = await serve([{ path: "/" }], { limits: { headersMs: 200 } })
    expect(await raw(wire, "GET / HTTP/1.1\r\nHost: h\r\n")).toMatch(/^HTTP\/1.1 408 /)
  })

  test("headers have a limit in bytes", async () => {
    const wire = await serve([{ path: "/" }], { limits: { headerBytes: 2000 } })
    const told = await raw(wire, `GET / HTTP/1.1\r\nX: ${"x".repeat(5000)}\r\n\r\n`)
    expect(told).toMatch(/^HTTP\/1.1 431 /)
  })

  test("what is no HTTP is told so and hung up on, also after what was", async () => {
    const wire = await serve([{ path: "/" }])
    expect(await raw(wire, "hello\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /)
    const socket = connect(portOf(wire), "127.0.0.1")
    socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 204 /)
    socket.write("hello\r\n\r\n")
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1.1 400 /)
    socket.destroy()
  })

  test("an upload that keeps moving may outlast every limit, one that stands still is cut", async () => {
    const lengths: number[] = []
    const failures: string[] = []
    const take = {
      path: "/",
      method: "PUT" as Method,
      streaming: true,
      async does({ stream }: Request) {
        await buffer(stream).then(
          (all) => lengths.push(all.length),
          (cause: Error) => failures.push(cause.message),
        )
        return { status: 204 }
      },
    }
    const stallMs = 800
    const wire = await serve([take], { limits: { stallMs, bodyMs: 100, headersMs: 300 } })
    /** What it was told; nothing where this process itself stood still: then nobody moved. */
    const moving = async () => {
      const socket = connect(portOf(wire), "127.0.0.1")
      socket.on("error", () => {})
      let told = ""
      socket.on("data", (piece) => {
        told += piece
      })
      const over = new Promise((resolve) => socket.once("close", resolve))
      let [longestMs, last] = [0, performance.now()]
      const moved = () => {
        const now = performance.now()
        ;[longestMs, last] = [Math.max(longestMs, now - last), now]
      }
      socket.write("PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 20\r\n\r\n")
      for (let sent = 0; sent < 20; sent += 1) {
        socket.write("x")
        await new Promise((resolve) => setTimeout(resolve, 50))
        moved()
      }
      await over
      moved()
      return longestMs < stallMs / 2 ? told : undefined
    }
    let told: string | undefined
    while (told === undefined) {
      told = await moving()
    }
    expect(told).toMatch(/^HTTP\/1.1 204 /)
    expect(lengths.at(-1)).toBe(20)
    failures.length = 0
    await raw(wire, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nx")
    await expect.poll(() => failures).toEqual(["the client went away before the end"])
  })

  test("work of ours that takes long is not the client's fault", async () => {
    const does = async () => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { status: 200, body: "late" }
    }
    const wire = await serve([{ path: "/", does }], { limits: { stallMs: 100 } })
    expect((await wire.ask("/")).bytes.toString()).toBe("late")
  })

  test("a download that nobody takes is let go of", async () => {
    const closed = Promise.withResolvers<void>()
    const endless = () => {
      const body = Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65536)
        })(),
      )
      return { status: 200, body: body.once("close", () => closed.resolve()) }
    }
    const wire = await serve([{ path: "/", lasting: true, does: endless }], {
      limits: { stallMs: 200 },
    })
    const socket = connect(portOf(wire), "127.0.0.1").pause()
    socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await closed.promise
    socket.destroy()
  })
})

describe("crowds", () => {
  test("are told to come back; those that last are counted apart", async () => {
    const gate = Promise.withResolvers<void>()
    const arrived: string[] = []
    const wait = async ({ path }: Request) => {
      arrived.push(path)
      await gate.promise
      return { status: 204 }
    }
    const routes = [
      { path: "/brief", does: wait },
      { path: "/lasting", lasting: true, does: wait },
    ]
    const wire = await serve(routes, { limits: { exchanges: 2, lastingExchanges: 1 } })
    const waiting = [wire.ask("/brief"), wire.ask("/brief"), wire.ask("/lasting")]
    await expect.poll(() => arrived.length).toBe(3)
    for (const path of ["/brief", "/lasting"]) {
      const refused = await wire.ask(path)
      expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "1"])
    }
    gate.resolve()
    for (const reply of await Promise.all(waiting)) expect(reply.status).toBe(204)
    expect((await wire.ask("/brief")).status).toBe(204)
  })
})

describe("an answer", () => {
  test("is sent as what it is, with the face's headers over ours and its own over both", async () => {
    const kinds: Record<string, Answer["body"]> = {
      object: { a: "\u00e9" },
      text: "\u00e9",
      bytes: Buffer.from([1, 2]),
      stream: Readable.from([Buffer.from("ab")]),
      none: null,
    }
    const wire = await serve([
      {
        path: "/:kind",
        does: ({ params }) => ({ status: 200, body: kinds[params["kind"] ?? ""] ?? null }),
      },
      { path: "/own", does: () => ({ status: 200, headers: { "CACHE-CONTROL": "max-age=1" } }) },
    ])
    const told = async (kind: string) => {
      const { bytes, headers } = await wire.ask(`/${kind}`)
      return [bytes.toString("latin1"), headers["content-type"], headers["content-length"]]
    }
    expect(await told("object")).toEqual([
      '{"a":"\u00c3\u00a9"}',
      "application/json; charset=utf-8",
      "10",
    ])
    expect(await told("text")).toEqual(["\u00c3\u00a9", "text/plain; charset=utf-8", "2"])
    expect(await told("bytes")).toEqual(["\u0001\u0002", "application/octet-stream", "2"])
    expect(await told("stream")).toEqual(["ab", "application/octet-stream", undefined])
    expect(await told("none")).toEqual(["", undefined, "0"])
    expect((await wire.ask("/none")).headers["cache-control"]).toBe("private")
    expect((await wire.ask("/own")).headers["cache-control"]).toBe("max-age=1")
  })

  test("that cannot be sent is a 500, and neither its reason nor its headers are told", async () => {
    const does = () => ({
      status: 200,
      headers: { Location: "a\r\nSet-Cookie: x" },
      body: "secret",
    })
    const wire = await serve([{ path: "/", does }])
    const reply = await wire.ask("/")
    expect([reply.status, reply.bytes.toString()]).toEqual([500, "internal"])
    expect(reply.headers["set-cookie"]).toBe(undefined)
  })

  test("of a face that fails even to say that it failed is a cut, and the next one is served", async () => {
    const face = plainFace([{ path: "/" }])
    const renderMishap = () => {
      throw new Error("speechless")
    }
    const wire = await wireTo({ ...face, renderMishap }, scriptedCore().core)
    open.push(wire)
    await expect(wire.ask("/nothing")).rejects.toThrow(/hang up|ECONNRESET/)
    expect((await wire.ask("/")).status).toBe(204)
  })

  test("carries the request's id, the client's own if it is safe to repeat", async () => {
    const wire = await serve([{ path: "/" }])
    const idFor = async (theirs: string) =>
      (await wire.ask("/", { headers: { "x-request-id": theirs } })).headers["x-request-id"]
    expect(await idFor("req-1.a_B:c")).toBe("req-1.a_B:c")
    expect(await idFor("a b")).toMatch(/^[0-9a-f-]{36}$/)
    expect(await idFor("x".repeat(65))).toMatch(/^[0-9a-f-]{36}$/)
  })

  test("whose client has left is told to the face by the signal", async () => {
    const aborted = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    const does = async ({ signal }: Request) => {
      signal.addEventListener("abort", () => aborted.resolve())
      arrived.resolve()
      await aborted.promise
      return { status: 200, body: Readable.from(["x"]) }
    }
    const wire = await serve([{ path: "/", does }])
    const asked = request(wire.url).on("error", () => {})
    asked.end()
    await arrived.promise
    asked.destroy()
    await aborted.promise
  })
})

describe("the log", () => {
  test("has one line a request, the reason of a 500, and no secret", async () => {
    const lines: string[] = []
    const log = openLog("trace", { write: (line) => lines.push(line) })
    const told: Exchanged[] = []
    const does = () => {
      throw new Error("the reason")
    }
    const routes = [{ path: "/tokens/:token" }, { path: "/broken", does }]
    const wire = await serve(routes, { log, metrics: (exchanged) => told.push(exchanged) })
    const secrets = {
      "x-auth-token": "s3cret",
      "X-Auth-Key": "s3cret",
      "x-subject-token": "s3cret",
    }
    await wire.ask("/tokens/s3cret?x=s3cret", { token: "s3cret", headers: secrets })
    const broken = await wire.ask("/broken")
    await expect.poll(() => lines.length).toBe(3)
    const [first, failure, second] = lines.map((line) => JSON.parse(line))
    expect(first).toMatchObject({
      face: "plain",
      method: "GET",
      route: "/tokens/:token",
      status: 204,
    })
    expect(lines.join("")).not.toContain("s3cret")
    expect(first.headers.authorization).toBe("[secret]")
    expect(failure).toMatchObject({ requestId: broken.headers["x-request-id"] })
    expect(failure.err.message).toBe("the reason")
    expect(second).toMatchObject({ route: "/broken", status: 500 })
    expect(told.map(({ route, status }) => [route, status])).toEqual([
      ["/tokens/:token", 204],
      ["/broken", 500],
    ])
  })
})

describe("closing", () => {
  test("lets work end, tells those who wait, and takes no more", async () => {
    const gate = Promise.withResolvers<void>()
    const arrived: string[] = []
    const wire = await wireTo(
      plainFace([
        {
          path: "/work",
          async does() {
            arrived.push("work")
            await gate.promise
            return { status: 200, body: "done" }
          },
        },
        {
          path: "/wait",
          async does({ closing }) {
            arrived.push("wait")
            await new Promise((resolve) => closing.addEventListener("abort", resolve))
            return { status: 200, body: "news" }
          },
        },
      ]),
      scriptedCore().core,
      { limits: { closeMs: 120_000 } },
    )
    const agent = new Agent({ keepAlive: true })
    const idle = request(`${wire.url}/nothing`, { agent })
    idle.end()
    const [response] = (await once(idle, "response")) as [IncomingMessage]
    await buffer(response)
    const [work, wait] = [wire.ask("/work", { agent }), wire.ask("/wait")]
    await expect.poll(() => arrived.length).toBe(2)
    const closed = wire.close()
    expect((await wait).bytes.toString()).toBe("news")
    await expect(wire.ask("/work")).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/)
    gate.resolve()
    const done = await work
    expect(done.bytes.toString()).toBe("done")
    expect(done.headers.connection).toBe("close")
    await closed
    agent.destroy()
  })

  test("does not wait for ever", async () => {
    const arrived = Promise.withResolvers<void>()
    const does = async () => {
      arrived.resolve()
      return await new Promise<Answer>(() => {})
    }
    const wire = await wireTo(plainFace([{ path: "/", does }]), scriptedCore().core, {
      limits: { closeMs: 50 },
    })
    const stuck = wire.ask("/")
    const cut = expect(stuck).rejects.toThrow(/hang up|ECONNRESET/)
    await arrived.promise
    await wire.close()
    await cut
  })
})

test("TLS is spoken with the certificate given", async () => {
  const pem = selfSigned(generateKeyPairSync("ec", { namedCurve: "P-256" }))
  const wire = await serve([{ path: "/", does: () => ({ status: 200, body: "hello" }) }], {
    tls: pem,
  })
  expect(wire.url).toMatch(/^https:/)
  const reply = await new Promise<IncomingMessage>((resolve, reject) => {
    const host = { host: "127.0.0.1", port: portOf(wire), servername: "tintype.test" }
    const asked = tlsRequest({ ...host, ca: pem.cert, agent: false })
    asked.once("response", resolve).once("error", reject).end()
  })
  expect((await buffer(reply)).toString()).toBe("hello")
})
