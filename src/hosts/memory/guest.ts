/**
 * The guest of a machine in memory: a shell whose commands read and write its disks and its
 * memory, and an agent that runs them.
 *
 *   write SLOT OFFSET TEXT      read SLOT OFFSET LENGTH      poweroff
 *   remember TEXT               recall
 */
import { Refusal } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import type { ExecResult } from "../host.ts"
import { bytesOf, type HostWorld, kill, type MemoryMachine } from "./world.ts"

export function runInGuest(
  world: HostWorld,
  machine: MachineId,
  guest: MemoryMachine,
  [command = "", slot = "", offset = "", last = ""]: readonly string[],
): ExecResult {
  const disk = guest.disks.get(Number(slot))
  if (command === "poweroff") {
    kill(world, machine, "the guest powered off")
    return ended(0)
  }
  if (command === "remember") {
    guest.remembered = slot
    return ended(0)
  }
  if (command === "recall") return ended(0, guest.remembered)
  if (command !== "read" && command !== "write") return ended(127, "", `${command}: not found\n`)
  if (disk === undefined) return ended(1, "", `no disk in slot ${slot}\n`)
  const bytes = bytesOf(disk.top)
  if (command === "read") return ended(0, bytes.read(Number(offset), Number(last)))
  bytes.write(Number(offset), Buffer.from(last))
  return ended(0)
}

const ended = (exitCode: number, stdout: string | Uint8Array = "", stderr = ""): ExecResult => ({
  exitCode,
  stdout: Buffer.from(stdout as string),
  stderr: Buffer.from(stderr),
  truncated: false,
})

export function expectAgent(guest: MemoryMachine, afterMs: number): void {
  if (!guest.mute && guest.liveness === "running") return
  throw new Refusal({ kind: "timeout", what: "the guest agent", afterMs })
}

export function expectThawed(guest: MemoryMachine): void {
  if (!guest.frozen) return
  throw unavailable("the guest's agent", "its file systems are frozen: try again in a moment")
}

/** It has one file system. */
export function freeze(guest: MemoryMachine): number {
  if (guest.mute || guest.liveness !== "running") {
    throw unavailable("a freeze of the guest's file systems", "start its agent")
  }
  guest.frozen = true
  return 1
}

const unavailable = (what: string, remedy: string) =>
  new Refusal({ kind: "unavailable", what, remedy })
