/** What the QEMU installed here offers. */
import { Refusal } from "../../domain/fault.ts"
import type { Hardware } from "../../domain/machine.ts"
import { CommandFailed, run } from "../../platform/command.ts"
import type { FixedHardware } from "./launch.ts"

export const program = "qemu-system-x86_64"

/**
 * Given to every machine that does not ask for another: QEMU emulates all of it, any x86-64
 * processor made since 2011 has all of it, and it is enough for today's distributions
 * (x86-64-v2). The version is part of the name: without it the model may change under a machine.
 */
export const usualCpuModel = "Nehalem-v1"

export type Missing = { what: string; remedy: string }

export async function missing(): Promise<Missing | null> {
  try {
    await newestMachineType()
    return null
  } catch (cause) {
    if (!(cause instanceof Refusal) || cause.fault.kind !== "unavailable") throw cause
    return { what: cause.fault.what, remedy: cause.fault.remedy }
  }
}

/** Fills in what is open, with names that mean the same on every later start. */
export async function fixHardware(hardware: Hardware): Promise<FixedHardware> {
  return {
    ...hardware,
    machineType: hardware.machineType ?? (await newestMachineType()),
    cpuModel: hardware.cpuModel ?? usualCpuModel,
  }
}

/** Read from a slow disk for the first time, it takes a while to say a word. */
const saysWithinMs = 60_000

let offered: Promise<string> | undefined

/** Such as `pc-q35-7.2`: what plain `q35` stands for, and may not stand for tomorrow. */
function newestMachineType(): Promise<string> {
  offered ??= run([program, "-machine", "help"], { timeoutMs: saysWithinMs }).then(
    (help) => {
      const alias = /^q35\s.*\(alias of (pc-q35-[\d.]+)\)/m.exec(help)?.[1]
      if (alias === undefined) throw unavailable(`${program} without the q35 machine`)
      return alias
    },
    (cause: unknown) => {
      // One that is slow is not missing, and installing it would be of no use.
      const isSlow = cause instanceof CommandFailed && cause.exitCode === null
      if (isSlow) throw new Refusal({ kind: "timeout", what: program, afterMs: saysWithinMs })
      throw unavailable(program)
    },
  )
  // What is missing now may be installed by the time somebody asks again.
  offered.catch(() => {
    offered = undefined
  })
  return offered
}

const unavailable = (what: string) =>
  new Refusal({
    kind: "unavailable",
    what,
    remedy: "install it: apt-get install --no-install-recommends qemu-system-x86 qemu-utils",
  })

/** The program's own version line, to tell one installation from the next. */
export async function version(): Promise<string> {
  return (await run([program, "--version"], { timeoutMs: saysWithinMs })).split("\n")[0] ?? ""
}
