/**
 * Finding a machine's QEMU among all processes. The command line says whose it is from the first
 * instant of the process, also when we died between starting it and writing that down; a file
 * with its pid would come later, and could be written by the process itself.
 */
import { readdir, readFile, readlink, realpath } from "node:fs/promises"
import type { MachineId } from "../../domain/ids.ts"
import { parseId } from "../../domain/ids.ts"
import type { HostProcess } from "../../domain/machine.ts"
import { errorCode } from "../../platform/files.ts"
import { isOfNoProcess, startTicksOf } from "../../platform/process.ts"
import { program } from "./installation.ts"

export type Found = {
  machine: MachineId
  process: HostProcess
  /** What it was started with: its exact machine type and CPU model. */
  machineType: string
  cpuModel: string
}

/** All QEMU processes that run a machine of this data directory. */
export async function findProcesses(dataDir: string): Promise<Found[]> {
  const home = await realpath(dataDir)
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => examineProcess(pid, home)))
  return found.filter((one) => one !== undefined)
}

async function examineProcess(pid: number, home: string): Promise<Found | undefined> {
  try {
    const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0")
    // `setpriv` becomes QEMU; until then QEMU's command line follows its own.
    const start = argv.indexOf(program)
    if (start < 0) return undefined
    const after = (flag: string) => argv[argv.indexOf(flag, start) + 1] ?? ""
    const machine = parseId<"machine">(after("-uuid"))
    if (machine === undefined || (await readlink(`/proc/${pid}/cwd`)) !== home) return undefined
    const startTicks = await startTicksOf(pid)
    if (startTicks === undefined) return undefined
    const first = (flag: string) => after(flag).split(",")[0] ?? ""
    const process = { pid, startTicks, accelerator: first("-accel") }
    return { machine, process, machineType: first("-machine"), cpuModel: first("-cpu") }
  } catch (cause) {
    // Gone while we looked, or not ours to look at. Whatever else it is, it says nothing of machines.
    const isNotOurs = ["EACCES", "EPERM"].includes(errorCode(cause) ?? "")
    if (!isOfNoProcess(cause) && !isNotOurs) throw cause
    return undefined
  }
}
