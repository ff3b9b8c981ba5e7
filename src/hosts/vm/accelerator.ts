/**
 * Whether KVM works here. That `/dev/kvm` exists, and opens, proves nothing: some nested set-ups
 * run a guest's first instructions and then hang for ever. So a guest of 166 bytes is run under a
 * deadline; it does what every kernel does first (protected mode, paging, long mode) and then
 * ends QEMU through its debug-exit port. Without KVM machines run under TCG, QEMU's emulator.
 */
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { Refusal } from "../../domain/fault.ts"
import { CommandFailed, run } from "../../platform/command.ts"
import type { HostConfig, KeptMemory } from "../host.ts"
import { program, usualCpuModel, version } from "./installation.ts"

export type Accelerator = {
  name: "kvm" | "tcg"
  /** Why it is not KVM; null when it is. */
  note: string | null
}

const deadlineMs = 5_000

/**
 * One answer for as long as this node is up: a hang costs its whole deadline, and a restart of
 * ours must not pay it again, so the answer is kept in a file too.
 */
export function acceleratorOf(config: HostConfig): () => Promise<Accelerator> {
  let answer: Promise<Accelerator> | undefined
  return () => {
    answer ??= chooseAccelerator(config)
    answer.catch(() => {
      answer = undefined
    })
    return answer
  }
}

async function chooseAccelerator(config: HostConfig): Promise<Accelerator> {
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim()
  const user = config.user?.uid ?? "ourselves"
  const key = [bootId, await version(), usualCpuModel, user, await deviceOf("/dev/kvm")].join(" ")
  const file = join(config.dataDir, "machines/accelerator.json")
  const known = await readKnown(file)
  if (known?.key === key) return known.accelerator
  const accelerator = await probe(config)
  try {
    await writeFile(`${file}.part`, JSON.stringify({ key, accelerator }))
    await rename(`${file}.part`, file)
  } catch {
    // It only spares the next start the probe; a full disk must not keep machines from running.
  }
  return accelerator
}

/** What a machine is to be run by. TCG runs everywhere, also where KVM does. */
export function runsUnder(
  { name, note }: Accelerator,
  memory: KeptMemory | undefined,
): Accelerator["name"] {
  if (memory?.keptUnder === "tcg") return "tcg"
  if (memory?.keptUnder !== "kvm" || name === "kvm") return name
  const what = `the memory of snapshot ${memory.snapshot}`
  const remedy = `it was kept under KVM, which this node does not have now: ${note}`
  throw new Refusal({ kind: "unavailable", what, remedy })
}

/**
 * The group that may open `/dev/kvm`, for QEMU to be put into; undefined where its file says
 * otherwise. Never root's group.
 */
export async function kvmGroup(): Promise<number | undefined> {
  const device = await stat("/dev/kvm").catch(() => undefined)
  if (device === undefined || device.gid === 0 || (device.mode & 0o060) !== 0o060) return undefined
  return device.gid
}

async function probe(config: HostConfig): Promise<Accelerator> {
  if ((await deviceOf("/dev/kvm")) === null) {
    return { name: "tcg", note: "this node has no /dev/kvm" }
  }
  const place = await mkdtemp(join(config.dataDir, "machines/probe-")).catch(() => null)
  if (place === null) return { name: "tcg", note: "there is no space to try /dev/kvm" }
  try {
    await chmod(place, 0o711)
    const rom = join(place, "rom")
    await writeFile(rom, probeRom(), { mode: 0o644 })
    const fault = await runProbe(config, relative(config.dataDir, rom))
    return fault === null ? { name: "kvm", note: null } : { name: "tcg", note: fault }
  } catch (cause) {
    return { name: "tcg", note: `trying /dev/kvm failed: ${String(cause)}` }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Null when the guest came to its end; else what happened instead. */
async function runProbe(config: HostConfig, rom: string): Promise<string | null> {
  const user = config.user && { ...config.user, gid: (await kvmGroup()) ?? config.user.gid }
  const machine = ["-machine", "pc,accel=kvm", "-cpu", `${usualCpuModel},enforce`, "-bios", rom]
  const exit = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
  const bare = ["-nodefaults", "-no-user-config", "-display", "none"]
  const ended = run([program, ...bare, ...machine, ...exit], {
    cwd: config.dataDir,
    user,
    timeoutMs: deadlineMs,
  }).then(
    () => "the probe ended by itself",
    (cause: unknown) => {
      if (!(cause instanceof CommandFailed)) return String(cause)
      if (cause.exitCode === probeSucceeded) return null
      if (cause.exitCode === null) return `/dev/kvm is there, but a guest hangs on it`
      return (
        cause.stderr.trim().split("\n").at(-1)?.replace(`${program}: `, "") || "no reason given"
      )
    },
  )
  // A process caught inside the kernel may not even die of SIGKILL; we do not wait for that.
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("a guest on /dev/kvm cannot even be killed"), 2 * deadlineMs)
  })
  return Promise.race([ended, stuck]).finally(() => clearTimeout(timer))
}

// The device ends QEMU with (value << 1) | 1; the probe writes 1.
const probeSucceeded = 3

/**
 * A 64 KiB firmware; its code, at 0xF0000, is
 *   cli; lgdt; cr0 |= PE; far jump to 32 bits; a 2 MiB identity mapping in tables at 0x1000,
 *   0x2000 and 0x3000; cr3; cr4 = PAE; EFER.LME; cr0 = PG|PE; far jump to 64 bits;
 *   count down from 100000; out 0xf4, 1; hlt for ever
 * followed by the descriptor table. The CPU starts 16 bytes before the end, with a jump to it.
 */
function probeRom(): Buffer {
  const rom = Buffer.alloc(64 * 1024, 0xf4)
  const code =
    "fa2e660f0116a0000f20c00c010f22c066ea18000f00080066b810008ed8c70500100000032000" +
    "00c7050020000003300000c7050030000083000000b8001000000f22d8b8200000000f22e0b980" +
    "0000c0b80001000031d20f30b8110000800f22c0ea69000f00180048c7c1a086010048ffc975fb" +
    "b001e6f4f4ebfd0f1f40000000000000000000ffff0000009acf00ffff00000092cf00ffff0000" +
    "009aaf001f0080000f00"
  rom.write(code, 0, "hex")
  rom.write("ea000000f0", 0xfff0, "hex")
  return rom
}

/** What tells one device file, with its rights, from another; null where there is none. */
async function deviceOf(path: string): Promise<string | null> {
  const device = await stat(path).catch(() => undefined)
  if (device === undefined) return null
  return `${device.ino}:${device.mode}:${device.uid}:${device.gid}`
}

async function readKnown(
  file: string,
): Promise<{ key: string; accelerator: Accelerator } | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as { key: string; accelerator: Accelerator }
  } catch {
    return undefined
  }
}
