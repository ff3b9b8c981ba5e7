/** What `doctor` has to say about machines. */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import type { Finding } from "../../domain/finding.ts"
import { type MachineId, parseId } from "../../domain/ids.ts"
import type { HostConfig } from "../host.ts"
import type { Accelerator } from "./accelerator.ts"
import { findProcesses } from "./adopt.ts"
import type { Guests } from "./guests.ts"
import { missing } from "./installation.ts"
import { placesOf } from "./layout.ts"
import { standingCopies } from "./memory-ability.ts"
import { lookAt } from "./power.ts"

export async function examineMachines(
  config: HostConfig,
  guests: Guests,
  accelerator: () => Promise<Accelerator>,
  known: readonly MachineId[],
): Promise<Finding[]> {
  const absent = await missing()
  if (absent !== null) return [{ severity: "wrong", ...absent }]
  const { dataDir } = config
  const expected = new Set(known)
  const [processes, leftovers, hung, waiting] = await Promise.all([
    strangers(dataDir, expected),
    leftDirectories(dataDir, expected),
    hungMachines(guests),
    standingCopies(config),
  ])
  const { note } = await accelerator()
  const slow: Finding[] =
    note === null
      ? []
      : [{ severity: "note", what: `machines are emulated, so slow: ${note}`, remedy: null }]
  return [...processes, ...leftovers, ...hung, ...slow, ...waiting]
}

async function strangers(dataDir: string, known: Set<MachineId>): Promise<Finding[]> {
  const unknown = (await findProcesses(dataDir)).filter(({ machine }) => !known.has(machine))
  return unknown.map(({ machine, process }) => ({
    severity: "wrong",
    what: `process ${process.pid} runs machine ${machine}, which is not on record`,
    remedy: `end it: kill ${process.pid}`,
  }))
}

async function leftDirectories(dataDir: string, known: Set<MachineId>): Promise<Finding[]> {
  const ids = (await readdir(join(dataDir, "machines"))).flatMap((name) => {
    const id = parseId<"machine">(name)
    return id === undefined || known.has(id) ? [] : [id]
  })
  return ids.map((id) => ({
    severity: "wrong",
    what: `the directory ${placesOf(id).directory} belongs to no machine`,
    remedy: "remove it",
  }))
}

async function hungMachines(guests: Guests): Promise<Finding[]> {
  const looks = await Promise.all(
    guests.all().map(async (guest) => ({ guest, liveness: await lookAt(guest) })),
  )
  return looks
    .filter(({ liveness }) => liveness === "hung")
    .map(({ guest }) => ({
      severity: "wrong",
      what: `machine ${guest.machine} does not answer on its monitor`,
      remedy: `stop and start it; nothing else helps a hung QEMU (process ${guest.process.pid})`,
    }))
}
