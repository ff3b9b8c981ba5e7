/** `tintype demo` plays to its end with real machines, and leaves nothing behind, come what may. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"

const demo = fileURLToPath(new URL("../../src/cli/demo.ts", import.meta.url))
let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tintype-demo-test-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test("--exit plays every scene, ends well and cleans up", async () => {
  const played = play(["--exit"])
  const { code, stdout, stderr } = await played.ended
  expect([code, stderr]).toEqual([0, ""])
  for (const line of [
    "ok: the machine answers",
    "ok: the file is back, bit for bit",
    "ok: the extra volume is back, bit for bit",
    "holds the broken disk",
    "ok: the first picture is back, bit for bit",
    "All of this happened",
  ]) {
    expect(stdout).toContain(line)
  }
  await nothingIsLeft()
})

test("without --exit the server stays, on free ports if the usual ones are taken", async () => {
  const inTheWay = createServer()
    .listen(8400, "127.0.0.1")
    .on("error", () => {})
  const played = play([])
  const said = await played.says("snapshot tree")
  inTheWay.close()
  const [, url = ""] = /native +(http:\S+)/.exec(said) ?? []
  expect(new URL(url).port).not.toBe("8400")
  const [, token = ""] = /token +(\S+)/.exec(said) ?? []
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(new URL("/api/whoami", url), { headers })
  expect(await answer.json()).toMatchObject({ login: "demo-user", role: "member" })
  played.interrupt()
  expect((await played.ended).code).toBe(0)
  await nothingIsLeft()
})

test("broken off while a machine runs, it ends the machine and cleans up", async () => {
  const played = play(["--exit"])
  await played.says("ok: the machine answers")
  expect(processesIn(folder).length).toBeGreaterThan(0)
  played.interrupt()
  const { code, stdout } = await played.ended
  expect(code).toBe(130)
  expect(stdout).toContain("Cleaning up")
  await nothingIsLeft()
})

test("what it does not know is refused", async () => {
  const { code, stderr } = await play(["--forever"]).ended
  expect([code, stderr]).toEqual([2, expect.stringContaining("Usage: tintype demo")])
})

async function nothingIsLeft(): Promise<void> {
  expect(readdirSync(folder)).toEqual([])
  // A killed process leaves the list a moment later.
  for (let turn = 0; turn < 1_200 && processesIn(folder).length > 0; turn++) await sleep(50)
  expect(processesIn(folder)).toEqual([])
}

function processesIn(place: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${place}/`)
      } catch {
        return false
      }
    })
}

function play(argv: string[]) {
  const child = spawn(process.execPath, [demo, ...argv], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (text) => {
    stdout += text
  })
  child.stderr.on("data", (text) => {
    stderr += text
  })
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr }))
  return {
    ended,
    interrupt: () => child.kill("SIGINT"),
    async says(words: string) {
      while (!stdout.includes(words)) {
        if (child.exitCode !== null) throw new Error(`it ended without saying ${words}: ${stderr}`)
        await sleep(20)
      }
      return stdout
    },
  }
}
