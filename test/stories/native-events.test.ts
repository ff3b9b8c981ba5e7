/** The event stream of the native face: at once, from where one left off, alive, and let go. */
import { type IncomingMessage, request } from "node:http"
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { no, ok } from "../../src/domain/fault.ts"
import type { Event } from "../../src/domain/operation.ts"
import { eventStream } from "../../src/faces/native/events.ts"
import { faces } from "../../src/faces/registry.ts"
import { admin, at, atText, goodToken, id, scriptedCore } from "../fixtures/scripted-core.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

const event = (number: number): Event => ({
  id: number,
  at,
  accountId: id(2),
  type: "snapshot.ready",
  resourceKind: "snapshot",
  resourceId: id(40),
  data: { text: "two\nlines" },
})

const never = new Promise<never>(() => {})
const { core, calls, script } = scriptedCore()
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(faces.native(), core)
})
afterAll(() => wire.close())
beforeEach(() => {
  calls.length = 0
  script["house.newestEvent"] = () => 7
  script["house.events"] = (_who: unknown, after: number) =>
    after < 7 ? ok([event(6), event(7)].filter((one) => one.id > after)) : never
})

function open(path: string, headers = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const authorization = `Bearer ${goodToken}`
    const asked = request(`${wire.url}${path}`, {
      agent: false,
      headers: { authorization, ...headers },
    })
    asked.once("response", resolve).once("error", reject).end()
  })
}

async function take(response: IncomingMessage, count: number): Promise<string> {
  let text = ""
  for await (const piece of response) {
    text += piece
    if (text.split("\n\n").length > count) break
  }
  return text
}

test("answers at once, when nothing has happened yet", async () => {
  const response = await open("/api/events")
  expect(response.statusCode).toBe(200)
  expect(response.headers).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
  })
  expect(await take(response, 1)).toBe("retry: 2000\n\n")
})

test("tells what came after the last event a client has seen", async () => {
  const told = (number: number) =>
    `id: ${number}\ndata: ${JSON.stringify({
      id: number,
      at: atText,
      type: "snapshot.ready",
      resource: { kind: "snapshot", id: id(40) },
      data: { text: "two\nlines" },
    })}\n\n`
  const byHeader = await take(await open("/api/events", { "last-event-id": "6" }), 2)
  expect(byHeader).toBe(`retry: 2000\n\n${told(7)}`)
  const byQuery = await take(await open("/api/events?after=5"), 3)
  expect(byQuery).toBe(`retry: 2000\n\n${told(6)}${told(7)}`)
  const both = await take(await open("/api/events?after=5", { "last-event-id": "6" }), 2)
  expect(both).toBe(byHeader)
})

test("starts with what comes next for a client that is new, or ahead of us", async () => {
  for (const headers of [{}, { "last-event-id": "99" }, { "last-event-id": "x" }]) {
    calls.length = 0
    await take(await open("/api/events", headers), 1)
    await expect
      .poll(() => calls.at(-1))
      .toMatchObject({ verb: "house.events", args: [admin, 7, 200, expect.any(Number)] })
  }
})

test("lets go when its client leaves, and ends when the service stops", async () => {
  const stopping = await wireTo(faces.native(), core)
  const headers = { authorization: `Bearer ${goodToken}` }
  const response = await new Promise<IncomingMessage>((resolve) => {
    request(`${stopping.url}/api/events`, { agent: false, headers }, resolve).end()
  })
  const all = take(response, 9)
  await stopping.close()
  expect(await all).toBe("retry: 2000\n\n")
})

/** A stream on a clock of the test's own; every wait of the core's lets its time pass. */
function onOwnClock(answers: (withinMs: number) => unknown) {
  const clock = { now: 0 }
  const until = new AbortController()
  script["house.events"] = (_who: unknown, _after: number, _limit: number, withinMs: number) =>
    answers(withinMs)
  const stream = eventStream({
    core,
    who: admin,
    after: 0,
    until: until.signal,
    now: () => clock.now,
  })
  return { clock, until, stream }
}

test("says every 15 seconds that it is alive", async () => {
  const waits: number[] = []
  const { clock, stream, until } = onOwnClock((withinMs) => {
    waits.push(withinMs)
    clock.now += withinMs
    return ok([])
  })
  let text = ""
  for await (const piece of stream) {
    text += piece
    if (waits.length >= 3) until.abort()
  }
  expect(text).toMatch(/^retry: 2000\n\n(: here\n\n){2,}/)
  expect(waits.slice(0, 3)).toEqual([15_000, 15_000, 15_000])
})

test("says nothing when only others were told something", async () => {
  const waits: number[] = []
  const { clock, stream, until } = onOwnClock((withinMs) => {
    waits.push(withinMs)
    clock.now += Math.min(withinMs, 10_000)
    return ok([])
  })
  let text = ""
  for await (const piece of stream) {
    text += piece
    if (waits.length >= 2) until.abort()
  }
  expect(waits.slice(0, 2)).toEqual([15_000, 5_000])
  expect(text).toMatch(/^retry: 2000\n\n: here\n\n/)
})

test("ends after an hour, so that who listens is asked again who it is", async () => {
  const { clock, stream } = onOwnClock((withinMs) => {
    clock.now += withinMs
    return ok([])
  })
  let text = ""
  for await (const piece of stream) text += piece
  expect(text.match(/: here/g)?.length).toBe(240)
})

test("ends when the core refuses to tell more", async () => {
  const { stream } = onOwnClock(() => no({ kind: "unauthenticated", why: "revoked" }))
  let text = ""
  for await (const piece of stream) text += piece
  expect(text).toBe("retry: 2000\n\n")
})

test("fetches no more than its reader takes", async () => {
  let asked = 0
  const { stream } = onOwnClock(() => {
    asked += 1
    return ok([{ ...event(asked), data: "x".repeat(100_000) }])
  })
  const turns = async () => {
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  }
  stream.once("readable", () => {})
  await turns()
  expect([asked, stream.readableLength]).toEqual([0, "retry: 2000\n\n".length])
  stream.read()
  await turns()
  expect(asked).toBe(1)
  stream.destroy()
})
