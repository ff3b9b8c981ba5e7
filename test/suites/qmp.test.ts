/** The QMP client against a server that answers by script, on a real socket. */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { openQmp, QmpError } from "../../src/platform/qmp.ts"

type Command = { execute: string; id: number; arguments?: unknown }

let place: string
let server: Server
let sockets: Socket[]
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "tintype-qmp-"))
  sockets = []
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  server?.close()
  await rm(place, { recursive: true })
})

const greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n'

/** Greets, takes the capabilities, and leaves every other command to `answer`. */
async function serve(
  answer: (command: Command, send: (text: string) => void, socket: Socket) => void,
  { directory = place, greets = true } = {},
): Promise<string> {
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on("error", () => {})
    if (greets) socket.write(greeting)
    socket.setEncoding("utf8").on("data", (text) => {
      for (const line of String(text).trim().split("\n")) {
        const command = JSON.parse(line) as Command
        if (command.execute === "qmp_capabilities") socket.write(ok(command, {}))
        else answer(command, (reply) => socket.write(reply), socket)
      }
    })
  })
  process.chdir(directory)
  await new Promise<void>((resolve) => server.listen("qmp.sock", resolve))
  process.chdir("/")
  return join(directory, "qmp.sock")
}

const ok = ({ id }: Command, value: unknown) => `${JSON.stringify({ return: value, id })}\r\n`

test("answers find their commands in whatever order they come", async () => {
  const held: Command[] = []
  const path = await serve((command, send) => {
    held.push(command)
    if (held.length < 3) return
    for (const one of held.reverse()) send(ok(one, one.execute))
  })
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  const answers = await Promise.all(["a", "b", "c"].map((name) => qmp.execute(name)))
  expect(answers).toEqual(["a", "b", "c"])
  qmp.close()
})

test("QEMU's no is an error with its class and words", async () => {
  const path = await serve(({ id }, send) =>
    send(`{"id": ${id}, "error": {"class": "DeviceNotFound", "desc": "no disk9"}}\n`),
  )
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  const refused = qmp.execute("device_del", { id: "disk9" })
  await expect(refused).rejects.toBeInstanceOf(QmpError)
  await expect(refused).rejects.toMatchObject({ class: "DeviceNotFound", desc: "no disk9" })
  qmp.close()
})

test("a command past its deadline is refused, and its late answer is nobody's", async () => {
  const late: Command[] = []
  const path = await serve((command, send) => {
    if (command.execute === "slow") late.push(command)
    else send(late.map((one) => ok(one, "late")).join("") + ok(command, "now"))
  })
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  await expect(qmp.execute("slow", {}, { timeoutMs: 30 })).rejects.toMatchObject({
    fault: { kind: "timeout", what: "QMP slow", afterMs: 30 },
  })
  expect(await qmp.execute("next")).toBe("now")
  qmp.close()
})

test("everyone still waiting is told when the connection ends", async () => {
  const path = await serve((command, _send, socket) => {
    if (command.execute === "die") socket.destroy()
  })
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  const waiting = [
    qmp.execute("wait"),
    qmp.once("RESUME", { withinMs: 60_000 }),
    qmp.execute("die"),
  ]
  for (const one of await Promise.allSettled(waiting)) {
    expect(one).toMatchObject({ status: "rejected", reason: { name: "ConnectionLost" } })
  }
  await qmp.closed
  await expect(qmp.execute("late")).rejects.toMatchObject({ name: "ConnectionLost" })
})

test("events reach those who listen for them, with their time, and only the matching one", async () => {
  const event = (device: string) =>
    `{"event": "DEVICE_DELETED", "data": {"device": "${device}"}, "timestamp": {"seconds": 2, "microseconds": 500}}\n`
  const path = await serve((command, send) => send(event("a") + event("b") + ok(command, {})))
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  const heard: unknown[] = []
  const stop = qmp.on("DEVICE_DELETED", ({ data }) => heard.push(data["device"]))
  const matching = (data: { readonly [key: string]: unknown }) => data["device"] === "b"
  const wanted = qmp.once("DEVICE_DELETED", { withinMs: 60_000, matching })
  await qmp.execute("go")
  expect(await wanted).toMatchObject({ data: { device: "b" }, atMs: 2000.5 })
  stop()
  await qmp.execute("go")
  expect(heard).toEqual(["a", "b"])
  qmp.close()
})

test("an answer cut into pieces is one answer, and a line without end is none", async () => {
  const long = "x".repeat(300_000)
  const path = await serve((command, send, socket) => {
    if (command.execute === "long") send(ok(command, long))
    else {
      const flood = Buffer.alloc(2 ** 20, 0x20)
      const pour = () => void (socket.destroyed || socket.write(flood, pour))
      pour()
    }
  })
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  expect(await qmp.execute("long")).toBe(long)
  await expect(qmp.execute("flood")).rejects.toMatchObject({ name: "ConnectionLost" })
})

test("a monitor that somebody else has connects and never greets", async () => {
  const path = await serve(() => {}, { greets: false })
  await expect(openQmp(path, { connectWithinMs: 100 })).rejects.toMatchObject({
    fault: { kind: "timeout" },
  })
})

test("a monitor that waits for a second client to take up the first one gets it", async () => {
  const held: (() => void)[] = []
  server = createServer((socket) => {
    socket.on("error", () => {})
    if (sockets.push(socket) > 1) {
      socket.destroy()
      for (const answer of held.splice(0)) answer()
      return
    }
    socket.write(greeting)
    socket.setEncoding("utf8").on("data", (line) => {
      held.push(() => socket.write(ok(JSON.parse(String(line)) as Command, {})))
    })
  })
  const path = join(place, "qmp.sock")
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  expect(sockets).toHaveLength(2)
  qmp.close()
})

test("a socket that is not there yet is waited for, and one whose owner died is not", async () => {
  const early = openQmp(join(place, "qmp.sock"), { connectWithinMs: 10_000 })
  await serve((command, send) => send(ok(command, "there")))
  const qmp = await early
  expect(await qmp.execute("query")).toBe("there")
  qmp.close()
  const death = new AbortController()
  const never = openQmp(join(place, "never.sock"), {
    connectWithinMs: 60_000,
    signal: death.signal,
  })
  death.abort(new Error("it died"))
  await expect(never).rejects.toThrow("it died")
})

test("a path longer than a socket's address is reached all the same", async () => {
  const directory = join(place, ...Array<string>(8).fill("a-directory-far-down"))
  await mkdir(directory, { recursive: true })
  const path = await serve((command, send) => send(ok(command, "deep")), { directory })
  expect(Buffer.byteLength(path)).toBeGreaterThan(107)
  const qmp = await openQmp(path, { connectWithinMs: 60_000 })
  expect(await qmp.execute("query")).toBe("deep")
  qmp.close()
})
