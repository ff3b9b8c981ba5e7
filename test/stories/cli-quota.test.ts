/** Quotas, usage and giving up as scripts and people meet them. */
import { afterEach, describe, expect, test } from "vitest"
import { problem, type Script, type StandIn, standIn, tintype } from "./cli-stand-in.ts"

const work = "01938000-0000-7000-8000-0000000000aa"
const operation = {
  id: work,
  kind: "volume-import",
  state: "running",
  target: { kind: "volume", id: work },
  progress: 10,
  message: "",
  reason: null,
  fault: null,
  cancelled: true,
}
const undone = { ...operation, state: "undone", reason: "cancelled" }

const servers: StandIn[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close().catch(() => {})
})
async function against(script: Script): Promise<StandIn> {
  const server = await standIn(script)
  servers.push(server)
  return server
}

describe("account quota", () => {
  const answer = { id: work, login: "alice", quota: null }
  const path = "PUT /api/accounts/alice/quota"
  const sent = (server: StandIn) => JSON.parse(server.heard[0]?.body.toString() ?? "")

  test("says what the account may use, sizes in words", async () => {
    const server = await against({ [path]: { json: answer } })
    const flags = ["--machines", "5", "--snapshots", "0", "--logical", "1T", "--physical", "100G"]
    const ran = await tintype(server.url, "account", "quota", "alice", ...flags, "-o", "json")
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, answer])
    expect(sent(server)).toEqual({
      machines: 5,
      snapshots: 0,
      logicalBytes: 2 ** 40,
      physicalBytes: 100 * 2 ** 30,
    })
  })

  test("takes it back with --none", async () => {
    const server = await against({ [path]: { json: answer } })
    expect((await tintype(server.url, "account", "quota", "alice", "--none")).code).toBe(0)
    expect(sent(server)).toBeNull()
  })

  test("is a matter of saying something, and one thing", async () => {
    const server = await against({})
    const typed = [[], ["--none", "--machines", "1"], ["--machines", "-1"], ["--logical", "big"]]
    for (const flags of typed) {
      const ran = await tintype(server.url, "account", "quota", "alice", ...flags)
      expect([flags, ran.code]).toEqual([flags, 2])
    }
    expect(server.heard).toEqual([])
  })
})

describe("account usage", () => {
  const used = { machines: 2, volumes: 3, snapshots: 0, logicalBytes: 2 ** 31, physicalBytes: 512 }
  const usage = { accountId: work, login: "alice", used, quota: { machines: 5, logicalBytes: 0 } }

  test("tells how much of what is used, of the account named", async () => {
    const server = await against({ "GET /api/usage": { json: usage } })
    const ran = await tintype(server.url, "account", "usage", "alice")
    expect(server.heard[0]?.headers["x-tintype-account"]).toBe("alice")
    expect(ran.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["account", "alice"],
      ["machines", "2 of 5"],
      ["volumes", "3, no limit"],
      ["snapshots", "0, no limit"],
      ["logicalBytes", "2 GiB of 0 B"],
      ["physicalBytes", "512 B, no limit"],
      [""],
    ])
  })

  test("is one JSON value, and of one's own account unless one says otherwise", async () => {
    const server = await against({ "GET /api/usage": { json: usage } })
    const ran = await tintype(server.url, "account", "usage", "-o", "json")
    expect(JSON.parse(ran.stdout)).toEqual(usage)
    expect(server.heard[0]?.headers).not.toHaveProperty("x-tintype-account")
  })
})

describe("operation cancel", () => {
  const path = `POST /api/operations/${work}/cancel`

  test("shows the operation as it is then", async () => {
    const server = await against({ [path]: { status: 202, json: operation } })
    const ran = await tintype(server.url, "operation", "cancel", work, "-o", "json")
    expect([ran.code, JSON.parse(ran.stdout)]).toEqual([0, operation])
  })

  test("with --wait comes back when it is undone, and that is success", async () => {
    const server = await against({
      [path]: { status: 202, json: operation },
      [`GET /api/operations/${work}`]: [{ json: operation }, { json: undone }],
    })
    const ran = await tintype(server.url, "operation", "cancel", work, "--wait", "-o", "json")
    expect([ran.code, JSON.parse(ran.stdout).state]).toEqual([0, "undone"])
  })

  test("with --wait fails if it was done all the same", async () => {
    const server = await against({
      [path]: { status: 202, json: operation },
      [`GET /api/operations/${work}`]: { json: { ...operation, state: "done" } },
    })
    const ran = await tintype(server.url, "operation", "cancel", work, "--wait")
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain("it was done before it could be given up")
  })

  test("too late is a conflict, in the server's words", async () => {
    const words = `operation ${work} is done; this needs it queued or running`
    const server = await against({ [path]: problem(409, "wrong-state", words) })
    const ran = await tintype(server.url, "operation", "cancel", work)
    expect([ran.code, ran.stderr]).toEqual([5, `tintype: ${words}\n`])
  })
})
