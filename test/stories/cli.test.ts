/** The command line as scripts and people meet it, against a server that plays its part. */
import { afterEach, describe, expect, test } from "vitest"
import type { FaultKind } from "../../src/domain/fault.ts"
import {
  problem,
  quietPort,
  type Script,
  type StandIn,
  standIn,
  start,
  tintype,
} from "./cli-stand-in.ts"

const id = "01938000-0000-7000-8000-000000000001"
const other = "01938000-0000-7000-8000-000000000002"
const work = "01938000-0000-7000-8000-0000000000aa"
const machine = { id, name: "web", state: "running", kind: "vm", memoryMiB: 256, disks: [] }
const running = { id: work, kind: "machine-start", state: "running", progress: 10, message: "boot" }
const done = { ...running, state: "done", progress: 100, message: "", reason: null, fault: null }
const undone = { ...done, state: "undone", reason: "no room", fault: { kind: "no-space" } }

const servers: StandIn[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close().catch(() => {})
})
async function against(script: Script, port?: number): Promise<StandIn> {
  const server = await standIn(script, port)
  servers.push(server)
  return server
}

describe("exit codes", () => {
  const codes: Record<FaultKind, number> = {
    invalid: 2,
    size: 2,
    "not-found": 3,
    unauthenticated: 4,
    forbidden: 4,
    "name-taken": 5,
    "wrong-state": 5,
    "in-use": 5,
    quota: 5,
    "key-reused": 5,
    timeout: 6,
    "no-space": 1,
    "bad-image": 1,
    unsupported: 1,
    unavailable: 1,
    interrupted: 1,
    failed: 1,
  }
  test("each fault of the server has its own, and its words reach stderr", async () => {
    for (const [kind, code] of Object.entries(codes)) {
      const server = await against({
        [`GET /api/machines/${id}`]: problem(418, kind, `about ${kind}`),
      })
      const ran = await tintype(server.url, "machine", "show", id, "-o", "json")
      expect([kind, ran.code, ran.stdout]).toEqual([kind, code, ""])
      expect(ran.stderr).toBe(`tintype: about ${kind}\n`)
    }
  })

  test("what was typed wrongly is 2, and nothing is sent", async () => {
    const server = await against({})
    const typed = [
      ["frob"],
      ["machine", "frob"],
      ["machine", "create", "--name", "web"],
      ["machine", "list", "extra"],
      ["machine", "list", "-o", "yaml"],
      ["volume", "create", "--name", "data"],
      ["volume", "create", "--name", "data", "--size", "0"],
      ["volume", "create", "--name", "data", "--size", "ten"],
      ["machine", "start", "web", "--timeout", "soon"],
      ["snapshot", "create", "--name", "n"],
      ["snapshot", "create", "--name", "n", "--machine", "m", "--volume", "v"],
      ["user", "create", "bob"],
      ["volume", "import", "data", "/nowhere/disk.raw"],
      ["machine", "console", id, "--follow", "-o", "json"],
    ]
    for (const argv of typed)
      expect([argv, (await tintype(server.url, ...argv)).code]).toEqual([argv, 2])
    expect(server.heard).toEqual([])
  })

  test("no server is 1, and says how to start one", async () => {
    const server = await standIn({})
    await server.close()
    const ran = await tintype(server.url, "machine", "list")
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain("is the server running? start it with: ./tintype serve")
  })
})

describe("names and ids", () => {
  test("a UUID is taken as it is", async () => {
    const server = await against({ [`GET /api/machines/${id}`]: { json: machine } })
    expect((await tintype(server.url, "machine", "show", id.toUpperCase())).code).toBe(0)
    expect(server.asked()).toEqual([`GET /api/machines/${id}`])
  })

  test("a name is looked up in the account acted for", async () => {
    const server = await against({
      "GET /api/machines": { json: { items: [machine], next: null } },
      [`GET /api/machines/${id}`]: { json: machine },
    })
    const ran = await tintype(
      server.url,
      "machine",
      "show",
      "w b",
      "--account",
      "alice",
      "-o",
      "json",
    )
    expect(JSON.parse(ran.stdout)).toEqual(machine)
    expect(server.asked()[0]).toBe("GET /api/machines?limit=1000&name=w+b")
    expect(server.heard[0]?.headers["x-tintype-account"]).toBe("alice")
    expect(server.heard[0]?.headers.authorization).toBe("Bearer a-token")
  })

  test("a name nobody has is 3, one that several have is 5 and lists them", async () => {
    const nobody = await against({ "GET /api/machines": { json: { items: [], next: null } } })
    const none = await tintype(nobody.url, "machine", "show", "web")
    expect([none.code, none.stderr]).toEqual([3, 'tintype: no machine named "web"\n'])

    const items = [machine, { ...machine, id: other }]
    const twins = await against({ "GET /api/machines": { json: { items, next: null } } })
    const several = await tintype(twins.url, "machine", "show", "web")
    expect(several.code).toBe(5)
    expect(several.stderr).toContain(id)
    expect(several.stderr).toContain(other)
  })

  test("a snapshot to revert to is looked for among the machine's own first", async () => {
    const snapshot = { id: other, name: "nightly" }
    const server = await against({
      "GET /api/snapshots": { json: { items: [snapshot], next: null } },
      [`POST /api/machines/${id}/revert`]: { status: 202, json: { ...machine, operationId: work } },
    })
    const ran = await tintype(
      server.url,
      "machine",
      "revert",
      id,
      "--snapshot",
      "nightly",
      "--start",
    )
    expect(ran.code).toBe(0)
    expect(server.asked()[0]).toBe(`GET /api/snapshots?limit=1000&machineId=${id}&name=nightly`)
    expect(String(server.heard[1]?.body)).toBe(`{"snapshotId":"${other}","then":"start"}`)
  })
})

describe("lists", () => {
  test("all pages are one JSON value", async () => {
    const second = { ...machine, id: other }
    const server = await against({
      "GET /api/machines": [
        { json: { items: [machine], next: "abc" } },
        { json: { items: [second], next: null } },
      ],
    })
    const ran = await tintype(server.url, "-o", "json", "machine", "list", "--all-accounts")
    expect(JSON.parse(ran.stdout)).toEqual({ items: [machine, second] })
    expect(server.asked()).toEqual([
      "GET /api/machines?limit=1000&allAccounts=true",
      "GET /api/machines?limit=1000&allAccounts=true&after=abc",
    ])
  })

  test("a table shows sizes for people and keeps foreign control characters off the screen", async () => {
    const volume = { id, name: "a\u001b[31mb", state: "available", sizeBytes: 10 * 2 ** 30 }
    const server = await against({ "GET /api/volumes": { json: { items: [volume], next: null } } })
    const ran = await tintype(server.url, "volume", "list")
    expect(ran.stdout).toMatch(/^ID +NAME +STATE +SIZE +ROLE +MACHINE +AGE\n/)
    expect(ran.stdout).toContain("10 GiB")
    expect(ran.stdout).not.toContain("\u001b")
  })
})

describe("work that takes time", () => {
  const starting = { status: 202, json: { ...machine, state: "stopped", operationId: work } }

  test("without --wait the answer is what was accepted", async () => {
    const server = await against({ [`POST /api/machines/${id}/start`]: starting })
    const ran = await tintype(server.url, "machine", "start", id, "-o", "json")
    expect(JSON.parse(ran.stdout)).toEqual(starting.json)
    expect([ran.code, ran.stderr]).toEqual([0, ""])
    expect(server.heard[0]?.headers["idempotency-key"]).toMatch(/^[!-~]{1,255}$/)
  })

  test("with --wait it is the thing itself, finished; progress is told once a change", async () => {
    const server = await against({
      [`POST /api/machines/${id}/start`]: starting,
      [`GET /api/operations/${work}`]: [{ json: running }, { json: running }, { json: done }],
      [`GET /api/machines/${id}`]: { json: machine },
    })
    const ran = await tintype(server.url, "machine", "start", id, "--wait", "-o", "json")
    expect(JSON.parse(ran.stdout)).toEqual({ ...machine, operationId: work })
    expect(ran.stderr).toBe("starting machine web 10%: boot\nstarting machine web 100%\n")
    expect(ran.code).toBe(0)
  })

  test("work that was taken back shows the thing, says why and fails as the work failed", async () => {
    const server = await against({
      [`POST /api/machines/${id}/start`]: starting,
      [`GET /api/operations/${work}`]: [
        { json: undone },
        { json: { ...undone, fault: { kind: "wrong-state" } } },
        { json: { ...undone, fault: null, state: "stuck" } },
      ],
      [`GET /api/machines/${id}`]: { json: { ...machine, state: "stopped" } },
    })
    const first = await tintype(server.url, "machine", "start", id, "--wait", "-o", "json")
    expect([first.code, JSON.parse(first.stdout).state]).toEqual([1, "stopped"])
    expect(first.stderr).toContain("no room")
    expect((await tintype(server.url, "machine", "start", id, "--wait")).code).toBe(5)
    const stuck = await tintype(server.url, "machine", "start", id, "--wait")
    expect([stuck.code, stuck.stderr]).toEqual([1, expect.stringContaining("tintype doctor")])
  })

  test("work that is not done in time is 6 and names the operation", async () => {
    for (const time of ["1", "0.2s"]) {
      const server = await against({
        [`POST /api/machines/${id}/start`]: starting,
        [`GET /api/operations/${work}`]: { json: running },
      })
      const ran = await tintype(server.url, "machine", "start", id, "--wait", "--timeout", time)
      expect([ran.code, ran.stderr]).toEqual([6, expect.stringContaining(work)])
    }
  })

  test("a server that restarts meanwhile is waited for", async () => {
    let dead: Promise<void> = Promise.resolve()
    const port = await quietPort()
    const before = {
      [`POST /api/machines/${id}/start`]: starting,
      [`GET /api/operations/${work}`]: () => {
        dead = first.close()
      },
    }
    const first = await standIn(before, port)
    const run = start(first.url, ["machine", "start", id, "--wait", "-o", "json"])
    await run.says("the server does not answer; trying again")
    await dead
    await against(
      {
        [`GET /api/operations/${work}`]: { json: done },
        [`GET /api/machines/${id}`]: { json: machine },
      },
      port,
    )
    const ran = await run.ended
    expect([ran.code, JSON.parse(ran.stdout).state]).toEqual([0, "running"])
  })

  test("a POST whose connection broke is sent again under the same key", async () => {
    const server = await against({
      "POST /api/machines": [(request) => request.socket.destroy(), starting],
      "GET /api/images": { json: { items: [{ id: other }], next: null } },
    })
    const ran = await tintype(server.url, "machine", "create", "--name", "web", "--image", "demo")
    expect(ran.code).toBe(0)
    const keys = server.heard.slice(1).map(({ headers }) => headers["idempotency-key"])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
  })

  test("Ctrl-C stops the waiting, not the work, and says where it goes on", async () => {
    const server = await against({
      [`POST /api/machines/${id}/start`]: starting,
      [`GET /api/operations/${work}`]: [{ json: running }, () => {}],
    })
    const run = start(server.url, ["machine", "start", id, "--wait"])
    while (server.heard.length < 3) await new Promise(setImmediate)
    run.kill("SIGINT")
    const ran = await run.ended
    expect([ran.code, ran.stderr]).toEqual([130, expect.stringContaining(`operation ${work}`)])
  })
})

describe("deletes", () => {
  test("what is printed is the thing as it was last known", async () => {
    const server = await against({
      [`GET /api/machines/${id}`]: [{ json: machine }, problem(404, "not-found", "gone")],
      [`DELETE /api/machines/${id}`]: {
        status: 202,
        json: { id, state: "deleting", operationId: work },
      },
      [`GET /api/operations/${work}`]: { json: done },
    })
    const ran = await tintype(server.url, "machine", "delete", id, "--wait", "-o", "json")
    const last = { ...machine, state: "deleted", operationId: work }
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, last])
  })

  test("several snapshots go one after the other, up to the first that is refused", async () => {
    const deleting = (which: string) => ({ status: 202, json: { id: which, state: "deleting" } })
    const server = await against({
      [`GET /api/snapshots/${id}`]: { json: { id, name: "a" } },
      [`GET /api/snapshots/${other}`]: { json: { id: other, name: "b" } },
      [`DELETE /api/snapshots/${id}`]: deleting(id),
      [`DELETE /api/snapshots/${other}`]: problem(409, "in-use", "a machine starts from it"),
    })
    const ran = await tintype(server.url, "snapshot", "delete", id, other, "-o", "json")
    expect([ran.code, ran.stderr]).toEqual([5, "tintype: a machine starts from it\n"])
    expect(JSON.parse(ran.stdout)).toEqual({ items: [{ id, name: "a", state: "deleting" }] })
  })
})

describe("in the machine", () => {
  const executed = (json: object) => against({ [`POST /api/machines/${id}/exec`]: { json } })

  test("exec passes bytes and the exit code through", async () => {
    const stdout = Buffer.from([0, 255, 10, 65]).toString("base64")
    const stderr = Buffer.from("oh\n").toString("base64")
    const server = await executed({ exitCode: 7, stdout, stderr, truncated: false })
    const ran = await tintype(server.url, "machine", "exec", id, "--", "sh", "-c", "exit 7", "-o")
    expect([ran.code, ran.stderr]).toEqual([7, "oh\n"])
    expect([...ran.bytes]).toEqual([0, 255, 10, 65])
    const body = JSON.parse(String(server.heard[0]?.body))
    expect(body.argv).toEqual(["sh", "-c", "exit 7", "-o"])
  })

  test("a command that may have run is not sent twice", async () => {
    const server = await against({
      [`POST /api/machines/${id}/exec`]: (request) => request.socket.destroy(),
    })
    expect((await tintype(server.url, "machine", "exec", id, "--", "reboot")).code).toBe(1)
    expect(server.heard).toHaveLength(1)
  })

  test("the console is followed without repeating a byte", async () => {
    const say = (text: string) => (_: unknown, response: { end(text: string): void }) =>
      response.end(text)
    const server = await against({
      [`GET /api/machines/${id}/console`]: [say("one\n"), say("one\n"), say("one\none\ntwo\n")],
    })
    const run = start(server.url, ["machine", "console", id, "--follow"])
    while (server.heard.length < 4) await new Promise(setImmediate)
    run.kill("SIGTERM")
    expect((await run.ended).stdout).toBe("one\none\ntwo\n")
  })
})

test("--help is everywhere, with an example for every command", async () => {
  const words = (help: string) =>
    [...((help.split("Commands:")[1] ?? "").split("\n\n")[0]?.matchAll(/^ {2}(\w[\w-]*)/gm) ?? [])]
      .map(([, word = ""]) => word)
      .filter((word) => word !== "help")
  const top = await tintype("http://127.0.0.1:1", "--help")
  expect(top.code).toBe(0)
  for (const noun of words(top.stdout)) {
    const help = await tintype("http://127.0.0.1:1", noun, "--help")
    expect([noun, help.code]).toEqual([noun, 0])
    const leaves = words(help.stdout)
    if (leaves.length === 0) expect(help.stdout).toContain("\nExample:\n")
    const show = async (leaf: string) => {
      const shown = await tintype("http://127.0.0.1:1", noun, leaf, "--help")
      expect([noun, leaf, shown.code]).toEqual([noun, leaf, 0])
      expect(shown.stdout).toContain(`\nExample:\n  $ tintype ${noun} ${leaf}`)
    }
    await Promise.all(leaves.map(show))
  }
})
