/** Comparing, weighing and taking snapshots on the command line, against a server that plays along. */
import { afterEach, describe, expect, test } from "vitest"
import { problem, type Script, type StandIn, standIn, tintype } from "./cli-stand-in.ts"

const id = (last: number) => `01938000-0000-7000-8000-${String(last).padStart(12, "0")}`
const [monday, tuesday, data, web, work] = [id(1), id(2), id(20), id(10), id(90)]

const servers: StandIn[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})
async function against(script: Script): Promise<StandIn> {
  const server = await standIn(script)
  servers.push(server)
  return server
}

const extent = (offset: number, length: number, zero = false) => ({ offset, length, zero })
const volume = { volumeId: data, fromPointId: id(31), toPointId: id(32), sizeBytes: 2 ** 30 }
const totals = { ...volume, changedBytes: 1_179_648, zeroBytes: 65_536 }
const pages = [
  { ...totals, extents: [extent(0, 65_536), extent(65_536, 65_536, true)] },
  { ...totals, extents: [extent(2 ** 20, 1_114_112)] },
].map((only, at) => ({
  json: { from: monday, to: tuesday, volumes: [only], next: at === 0 ? "more" : null },
}))

describe("snapshot diff", () => {
  test("as JSON is one value, with the extents of all pages", async () => {
    const server = await against({ [`GET /api/snapshots/${monday}/diff`]: pages })
    const ran = await tintype(server.url, "snapshot", "diff", monday, tuesday, "-o", "json")
    expect([ran.code, ran.stderr]).toEqual([0, ""])
    expect(JSON.parse(ran.stdout)).toEqual({
      from: monday,
      to: tuesday,
      volumes: [
        {
          ...totals,
          extents: [extent(0, 65_536), extent(65_536, 65_536, true), extent(2 ** 20, 1_114_112)],
        },
      ],
    })
    const first = `GET /api/snapshots/${monday}/diff?to=${tuesday}&limit=100000`
    expect(server.asked()).toEqual([first, `${first}&after=more`])
  })

  test("as a table tells every extent to the byte, and what it comes to", async () => {
    const server = await against({ [`GET /api/snapshots/${monday}/diff`]: pages })
    const ran = await tintype(server.url, "snapshot", "diff", monday, tuesday)
    const lines = ran.stdout.trimEnd().split("\n")
    expect(lines.map((line) => line.split(/ +/))).toEqual([
      ["VOLUME", "OFFSET", "LENGTH", "KIND"],
      [data, "0", "65536", "data"],
      [data, "65536", "65536", "zero"],
      [data, "1048576", "1114112", "data"],
      `volume ${data}: 1.1 MiB of 1 GiB changed, 64 KiB became zeros`.split(" "),
    ])
  })

  test("from nothing is what the snapshot holds; names are looked up", async () => {
    const server = await against({
      "GET /api/snapshots": { json: { items: [{ id: tuesday, name: "tuesday" }], next: null } },
      "GET /api/volumes": { json: { items: [{ id: data, name: "data" }], next: null } },
      [`GET /api/snapshots/${tuesday}/map`]: {
        json: { from: null, to: tuesday, volumes: [], next: null },
      },
    })
    const ran = await tintype(
      server.url,
      ...["snapshot", "diff", "-", "tuesday", "--volume", "data", "-o", "json"],
    )
    expect(JSON.parse(ran.stdout)).toEqual({ from: null, to: tuesday, volumes: [] })
    const asked = `GET /api/snapshots/${tuesday}/map?volumeId=${data}&limit=100000`
    expect(server.asked().at(-1)).toBe(asked)
  })

  test("what has nothing in common is told so", async () => {
    const why = "to: these two snapshots have nothing in common"
    const server = await against({
      [`GET /api/snapshots/${monday}/diff`]: problem(400, "invalid", why),
    })
    const ran = await tintype(server.url, "snapshot", "diff", monday, tuesday)
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([2, "", `tintype: ${why}\n`])
  })
})

describe("snapshot freed", () => {
  const script = { "POST /api/snapshots/freed": { json: { freedIfDeleted: 1_572_864 } } }

  test("asks of all of them at once", async () => {
    const server = await against(script)
    const ran = await tintype(server.url, "snapshot", "freed", monday, tuesday)
    expect([ran.code, ran.stdout]).toEqual([0, "1.5 MiB (1572864 bytes)\n"])
    const body = JSON.parse(String(server.heard[0]?.body))
    expect(body).toEqual({ snapshotIds: [monday, tuesday] })
  })

  test("as JSON is what the server said", async () => {
    const server = await against(script)
    const ran = await tintype(server.url, "snapshot", "freed", monday, "-o", "json")
    expect(JSON.parse(ran.stdout)).toEqual({ freedIfDeleted: 1_572_864 })
  })

  test("of none is a mistake", async () => {
    const server = await against({})
    expect((await tintype(server.url, "snapshot", "freed")).code).toBe(2)
    expect(server.heard).toEqual([])
  })
})

const done = { id: work, kind: "k", state: "done", progress: 100, reason: null, fault: null }
const taken = {
  id: monday,
  name: "monday",
  state: "ready",
  source: { kind: "machine", id: web },
  consistency: { label: "memory", note: null as string | null },
  memory: { bytes: 300 * 2 ** 20 },
  bytes: { exclusive: 310 * 2 ** 20 },
  createdAt: new Date().toISOString(),
}

describe("snapshot create", () => {
  const taking = (snapshot: object) => ({
    "POST /api/snapshots": { status: 202, json: { id: monday, operationId: work } },
    [`GET /api/operations/${work}`]: { json: { ...done, message: "done" } },
    [`GET /api/snapshots/${monday}`]: { json: snapshot },
  })
  const argv = ["snapshot", "create", "--machine", web, "--name", "monday", "--wait"]

  test("says what was wished, and shows what was achieved", async () => {
    const server = await against(taking(taken))
    const ran = await tintype(server.url, ...argv, "--memory", "--quiesce")
    const body = JSON.parse(String(server.heard[0]?.body))
    expect(body).toEqual({ name: "monday", machineId: web, memory: true, quiesce: true })
    const [titles = "", row = ""] = ran.stdout.split("\n")
    const cell = (title: string) => row.slice(titles.indexOf(title)).split(/ {2,}/)[0]
    expect(cell("CONSISTENCY")).toBe("memory")
    expect(cell("MEMORY")).toBe("300 MiB")
    expect(ran.stderr).not.toContain("note")
  })

  test("what could not be had is told, whatever the output", async () => {
    const note = "the guest did not freeze its file systems: no agent\u001b[2J"
    const consistency = { label: "crash", note }
    const server = await against(taking({ ...taken, consistency, memory: null }))
    for (const output of ["json", "table"]) {
      const ran = await tintype(server.url, ...argv, "--quiesce", "-o", output)
      expect(ran.code).toBe(0)
      const words = "note: the guest did not freeze its file systems: no agent\u{fffd}[2J\n"
      expect(ran.stderr).toContain(words)
      expect(ran.stdout).toContain("crash")
    }
    expect(JSON.parse(String(server.heard[0]?.body))).not.toHaveProperty("memory")
  })
})

test("a revert says what became of disks that came and went", async () => {
  const message =
    "done; volume data2, attached since, was left as it is; volume logs was left alone"
  const server = await against({
    [`POST /api/machines/${web}/revert`]: {
      status: 202,
      json: { id: web, name: "web", operationId: work },
    },
    [`GET /api/operations/${work}`]: { json: { ...done, message } },
    [`GET /api/machines/${web}`]: { json: { id: web, name: "web", state: "running" } },
  })
  const argv = ["machine", "revert", web, "--snapshot", monday, "--wait", "-o", "json"]
  const ran = await tintype(server.url, ...argv)
  expect(JSON.parse(ran.stdout)).toMatchObject({ id: web, state: "running" })
  expect(ran.stderr.split("\n")).toEqual([
    "reverting machine web 100%: done",
    "note: volume data2, attached since, was left as it is",
    "note: volume logs was left alone",
    "",
  ])
})
