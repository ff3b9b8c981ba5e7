/** What is told of processes that outlive us, also where the kernel cannot be asked. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, test } from "vitest"

/** With no descriptor left to ask the kernel by, of ourselves and then of nobody. */
const asking = `
const { closeSync, openSync } = await import("node:fs")
const { isAlive, startTicksOf } = await import(process.argv[1])
const self = { pid: process.pid, startTicks: await startTicksOf(process.pid) }
const say = (what) => what.then(String, ({ code }) => code).then((text) => console.log(text))
await say(isAlive(self))
const taken = []
try {
  for (;;) taken.push(openSync("/dev/null"))
} catch {}
await say(isAlive(self))
for (const fd of taken) closeSync(fd)
await say(isAlive({ ...self, startTicks: self.startTicks + 1 }))
await say(isAlive({ pid: 2 ** 22 + 1, startTicks: 1 }))
`

test("nobody is taken for dead because there is no descriptor left to look", async () => {
  const module = new URL("../../src/platform/process.ts", import.meta.url).href
  const node = [process.execPath, "--input-type=module", "-e", asking, module]
  const { stdout } = await promisify(execFile)("prlimit", ["--nofile=64", ...node])
  expect(stdout.trim().split("\n")).toEqual(["true", "EMFILE", "false", "false"])
})
