import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { patience } from "./patience.ts"

let data = ""
let launched = ""
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "tintype-patience-"))
  launched = join(data, "serving")
})
afterEach(() => rmSync(data, { recursive: true }))

const say = (server: object) => writeFileSync(join(data, "server.json"), JSON.stringify(server))
const dead = () => spawnSync("true").pid

describe("a server that does not answer is worth another try", () => {
  const isWorthIt = (graceMs: number, env: Record<string, string> = {}, flags = {}) => {
    const settings = { launched, graceMs, startingMs: 60_000, pauseMs: 1 }
    return patience(flags, { TINTYPE_DATA: data, ...env }, settings)()
  }

  test("within a moment, whatever it says; later only if it says that it is starting", async () => {
    expect(await isWorthIt(60_000)).toBe(true)
    expect(await isWorthIt(0)).toBe(false)
    say({ pid: process.pid, urls: {} })
    expect(await isWorthIt(0)).toBe(true)
    say({ pid: process.pid, urls: { native: "http://127.0.0.1:9999" } })
    expect(await isWorthIt(0)).toBe(false)
  })

  test("if it was launched a moment ago", async () => {
    writeFileSync(launched, `${process.pid}\n`)
    expect(await isWorthIt(0)).toBe(true)
    utimesSync(launched, 1, 1)
    expect(await isWorthIt(0)).toBe(false)
  })

  test("not if it died while it started", async () => {
    say({ pid: dead(), urls: {} })
    writeFileSync(launched, `${dead()}\n`)
    expect(await isWorthIt(0)).toBe(false)
  })

  test("not if it is one that was named", async () => {
    say({ pid: process.pid, urls: {} })
    expect(await isWorthIt(60_000, { TINTYPE_URL: "http://b:2" })).toBe(false)
    expect(await isWorthIt(60_000, {}, { url: "http://b:2" })).toBe(false)
  })
})
