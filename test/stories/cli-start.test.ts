/** The command line and a server that is about to be there, is not there at all, or cannot be. */
import { execFile } from "node:child_process"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { quietPort, type StandIn, standIn, start } from "./cli-stand-in.ts"

let data: string
let server: StandIn | undefined
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "tintype start "))
})
afterEach(async () => {
  await server?.close()
  server = undefined
  await rm(data, { recursive: true })
})

const announce = (urls: object) =>
  writeFile(join(data, "server.json"), JSON.stringify({ pid: process.pid, startTicks: 0, urls }))

test("a command given while the server starts waits for it, and for who it is to it", async () => {
  await announce({})
  const TINTYPE_PORT_NATIVE = String(await quietPort())
  const running = start({ TINTYPE_DATA: data, TINTYPE_PORT_NATIVE }, [
    "volume",
    "list",
    "-o",
    "json",
  ])
  await running.says("waiting for it")
  // As the server does it: the token is there before anybody can be heard.
  await writeFile(join(data, "admin-token"), "the-token\n")
  server = await standIn(
    { "GET /api/volumes": { json: { items: [], next: null } } },
    Number(TINTYPE_PORT_NATIVE),
  )
  await announce({ native: server.url })
  const { code, stdout } = await running.ended
  expect([code, JSON.parse(stdout)]).toEqual([0, { items: [] }])
  expect(server.heard.map(({ headers }) => headers.authorization)).toEqual(["Bearer the-token"])
})

test("where there is none it says how to start one", async () => {
  const TINTYPE_URL = `http://127.0.0.1:${await quietPort()}`
  const ran = await start({ TINTYPE_DATA: data, TINTYPE_URL }, ["volume", "list"]).ended
  expect([ran.code, ran.stdout]).toEqual([1, ""])
  expect(ran.stderr).toBe(
    `tintype: nothing answers at ${TINTYPE_URL}; is the server running? start it with: ./tintype serve\n`,
  )
})

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const mainSays = (argv: string[], env: Record<string, string> = {}) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const own = { PATH: process.env["PATH"], TINTYPE_DATA: data, ...env }
    const child = execFile(process.execPath, [main, ...argv], { env: own }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })

test("a port that another program has is named, with what to do, and without a stack", async () => {
  server = await standIn({})
  const { port } = new URL(server.url)
  const any = ["CLOUDAPI", "IAAS", "HOSTWAY", "OPENSTACK"].map((name) => [
    `TINTYPE_PORT_${name}`,
    "0",
  ])
  const ports = { ...Object.fromEntries(any), TINTYPE_PORT_NATIVE: port }
  const { code, stderr } = await mainSays(["serve"], ports)
  expect([code, stderr.split("\n").filter((line) => line !== "")]).toEqual([
    1,
    [
      `tintype: port ${port} at 127.0.0.1, where native listens, is not available; another program ` +
        "has it; stop that one, or choose another port with TINTYPE_PORT_NATIVE",
    ],
  ])
})

test.each(["/sys", "/proc"])(
  "a directory that cannot be, below %s, is told in one line",
  async (where) => {
    const { code, stderr } = await mainSays(["serve", "--data", `${where}/nowhere/at/all`])
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^tintype: E[A-Z]+: .*nowhere.*\n$/)])
  },
)

test("help is help, whatever it is asked for", async () => {
  for (const command of ["serve", "doctor"]) {
    const { code, stdout, stderr } = await mainSays([command, "--help"])
    expect([code, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^Usage: tintype /)])
  }
  expect((await mainSays(["serve", "--forever"])).code).toBe(2)
  expect((await mainSays(["doctor", "--forever"])).code).toBe(2)
  expect(await readdir(data)).toEqual([])
})

test("the doctor makes no state where there was none", async () => {
  const nowhere = join(data, "mistyped")
  const { code, stdout } = await mainSays(["doctor", "-o", "json"], { TINTYPE_DATA: nowhere })
  expect([code, JSON.parse(stdout).items]).toEqual([
    0,
    [expect.objectContaining({ severity: "note", what: `there is no state directory ${nowhere}` })],
  ])
  expect(await readdir(data)).toEqual([])
})
