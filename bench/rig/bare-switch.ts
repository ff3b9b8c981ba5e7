/** QEMU's own part of a snapshot: `blockdev-snapshot` onto an overlay that is open already. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { run } from "../../src/platform/command.ts"
import { openQmp, type Qmp } from "../../src/platform/qmp.ts"
import type { Stand } from "../benchmark.ts"
import { timed } from "./measure.ts"

const connectWithinMs = 10_000
const size = "1G"

/**
 * A storage daemon with one disk, opened as a machine's disks are. What is resolved with switches
 * it once, and resolves with the milliseconds from the command to its answer.
 */
export async function bareSwitch({ folder, after }: Stand): Promise<() => Promise<number>> {
  const directory = await mkdtemp(join(folder, "switch-"))
  const socket = join(directory, "qmp.sock")
  const daemon = spawn(
    "qemu-storage-daemon",
    ["--chardev", `socket,id=qmp,path=${socket},server=on,wait=off`, "--monitor", "chardev=qmp"],
    { stdio: "ignore" },
  )
  const ended = once(daemon, "exit")
  after(async () => {
    daemon.kill("SIGKILL")
    await ended
  })
  const qmp = await openQmp(socket, { connectWithinMs })
  after(() => qmp.close())
  let top = await addLayer(qmp, directory, 0)
  let made = 0
  return async () => {
    const overlay = await addLayer(qmp, directory, ++made)
    const tookMs = await timed(() => qmp.execute("blockdev-snapshot", { node: top, overlay }))
    top = overlay
    return tookMs
  }
}

async function addLayer(qmp: Qmp, directory: string, nth: number): Promise<string> {
  const filename = join(directory, `${nth}.qcow2`)
  await run(["qemu-img", "create", "-q", "-f", "qcow2", filename, size], { timeoutMs: 10_000 })
  const access = { cache: { direct: true, "no-flush": false }, discard: "unmap" }
  const [file, node] = [`file${nth}`, `disk${nth}`]
  await qmp.execute("blockdev-add", {
    driver: "file",
    "node-name": file,
    filename,
    aio: "native",
    ...access,
  })
  const backing = nth === 0 ? {} : { backing: null }
  await qmp.execute("blockdev-add", {
    driver: "qcow2",
    "node-name": node,
    file,
    ...backing,
    ...access,
  })
  return node
}
