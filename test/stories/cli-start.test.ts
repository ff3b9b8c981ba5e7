/** The command line and a server that is only about to be there, or is not there at all. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { type StandIn, standIn, start } from "./cli-stand-in.ts"

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

/** A port at which nobody answers. */
function quietPort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address() as AddressInfo
      listener.close(() => resolve(port))
    })
  })
}

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
  server = await standIn(
    { "GET /api/volumes": { json: { items: [], next: null } } },
    Number(TINTYPE_PORT_NATIVE),
  )
  await writeFile(join(data, "admin-token"), "the-token\n")
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
