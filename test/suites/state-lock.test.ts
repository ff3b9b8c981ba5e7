/** The lock on a state directory, with real processes that really die. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { lockStateDirectory, runningServer } from "../../src/platform/state-lock.ts"

const holder = `
const { lockStateDirectory } = await import(process.argv[1])
const lock = await lockStateDirectory(process.argv[2])
await lock.announce({ native: "http://127.0.0.1:8400" })
console.log("locked")
setInterval(() => {}, 1000)
`

describe("a state directory", () => {
  let dir: string
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), "tintype-lock-")), "new", "state")
  })
  afterEach(() => rm(join(dir, "..", ".."), { recursive: true }))

  test("is one server's; a second one is told whose", async () => {
    const lock = await lockStateDirectory(dir)
    const second = lockStateDirectory(dir)
    await expect(second).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    await expect(second).rejects.toThrow(`pid ${process.pid}`)
    await lock.release()
    expect(await runningServer(dir)).toBeUndefined()
    const third = await lockStateDirectory(dir)
    await third.release()
  })

  test("says where its server listens, and lets nobody see inside", async () => {
    const lock = await lockStateDirectory(dir)
    expect(await runningServer(dir)).toMatchObject({ pid: process.pid, urls: {} })
    await lock.announce({ native: "http://127.0.0.1:1" })
    expect((await runningServer(dir))?.urls).toEqual({ native: "http://127.0.0.1:1" })
    expect((await stat(dir)).mode & 0o066).toBe(0)
    await lock.release()
  })

  test("is free at once when its server is killed, and never before", async () => {
    const module = new URL("../../src/platform/state-lock.ts", import.meta.url).href
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", holder, module, dir], {
        stdio: ["ignore", "pipe", "inherit"],
      })
      await once(child.stdout, "data")
      await expect(lockStateDirectory(dir)).rejects.toThrow(`pid ${child.pid}`)
      expect(await runningServer(dir)).toMatchObject({
        pid: child.pid,
        urls: { native: "http://127.0.0.1:8400" },
      })
      child.kill("SIGKILL")
      await once(child, "exit")
      expect(await runningServer(dir)).toBeUndefined()
      expect(await readFile(join(dir, "server.json"), "utf8")).toContain(`${child.pid}`)
      const lock = await lockStateDirectory(dir)
      await lock.release()
    }
  })

  test("is not opened to a second server by the words of a file", async () => {
    const lock = await lockStateDirectory(dir)
    await rm(join(dir, "server.json"))
    await expect(lockStateDirectory(dir)).rejects.toThrow("another server")
    await lock.release()
  })
})
