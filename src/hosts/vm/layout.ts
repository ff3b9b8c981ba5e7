/**
 * Where a machine's things lie below the data directory. QEMU runs in that directory and is given
 * relative paths, so the directory may be deep (a socket's path is short) and may move.
 */
import { chmod, chown, lchown, mkdir, open, rm } from "node:fs/promises"
import { join } from "node:path"
import type { ImageId, MachineId } from "../../domain/ids.ts"
import type { HostConfig } from "../host.ts"

/** Paths relative to the data directory. */
export const placesOf = (machine: MachineId) => ({
  directory: `machines/${machine}`,
  kernel: `machines/${machine}/kernel`,
  initrd: `machines/${machine}/initrd`,
  console: `machines/${machine}/console.log`,
  log: `machines/${machine}/qemu.log`,
  run: `run/${machine}`,
  qmp: `run/${machine}/qmp.sock`,
  agent: `run/${machine}/agent.sock`,
  consoleSocket: `run/${machine}/console.sock`,
  memory: `run/${machine}/memory.sock`,
})
/** Kept memories of guests, which no guest's QEMU may look into. */
export const memoryRoom = "memory"
export const imagePlace = (image: ImageId) => `images/${image}`

/** A new directory that the service user passes through and does not list, whatever the umask. */
export async function makePassage(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true })
  if (made !== undefined) await chmod(path, 0o711)
}

/** The directories that hold those of all machines and images. */
export async function makeRooms(dataDir: string): Promise<void> {
  for (const room of ["machines", "images", "run"]) await makePassage(join(dataDir, room))
  await mkdir(join(dataDir, memoryRoom), { recursive: true, mode: 0o700 })
}

/** An empty run directory that is the service user's own, and a console log they may add to. */
export async function makeRunPlaces(config: HostConfig, machine: MachineId): Promise<void> {
  const places = placesOf(machine)
  const run = join(config.dataDir, places.run)
  await makePassage(join(config.dataDir, places.directory))
  await rm(run, { recursive: true, force: true })
  await mkdir(run, { mode: 0o700 })
  const console = join(config.dataDir, places.console)
  await (await open(console, "a", 0o600)).close()
  if (config.user === null) return
  // Their other processes may be able to put a link in its place: that must not be followed.
  await lchown(run, config.user.uid, config.user.gid)
  await chown(console, config.user.uid, config.user.gid)
}
