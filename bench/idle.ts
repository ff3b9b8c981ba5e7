/** What the service holds in memory while it has nothing to do, fresh and after some work. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import type { Benchmark, Finding } from "./benchmark.ts"
import { nativeClient } from "./rig/face-client.ts"
import { rateOf } from "./rig/measure.ts"
import { GiB, makeVolume, newName } from "./rig/resources.ts"
import { startServer } from "./rig/server.ts"

const settleMs = 3_000
const snapshotCount = 1000

export const idle: Benchmark = {
  about: "the idle service's memory",
  async *run(stand) {
    const server = await startServer(stand)
    await sleep(settleMs)
    const fresh = await residentMiB(server.pid)
    const floor = { what: "bare node", samples: [await bareNodeMiB()] }
    const finding = (what: string, samples: number[]): Finding => ({
      what,
      unit: "MiB",
      samples,
      floor,
      goal: { of: "p50", atMost: 150 },
    })
    yield finding("idle server: resident memory, fresh", [fresh])

    const volume = await makeVolume(server.api, { sizeBytes: GiB })
    const client = nativeClient(server)
    await rateOf(snapshotCount, 8, () => client.takeSnapshot(volume, newName()))
    await sleep(settleMs)
    const what = `idle server: resident memory, after ${snapshotCount} snapshots`
    yield finding(what, [await residentMiB(server.pid)])
  },
}

async function bareNodeMiB(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
  try {
    await sleep(1_000)
    return await residentMiB(child.pid ?? 0)
  } finally {
    child.kill("SIGKILL")
    await once(child, "exit")
  }
}

/** VmRSS of proc(5). */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8")
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}
