/**
 * Kernels and initramfs of direct-boot images. A machine has its own: deleting an image breaks
 * none, and a machine that was made survives a power cut with all it needs to start.
 */
import { constants } from "node:fs"
import { chmod, copyFile, link, open, rename, rm, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { ImageId, MachineId } from "../../domain/ids.ts"
import type { BootFiles } from "../host.ts"
import { imagePlace, makePassage, placesOf } from "./layout.ts"

const names = ["kernel", "initrd"] as const

export async function keepBootFiles(
  dataDir: string,
  image: ImageId,
  files: BootFiles,
): Promise<void> {
  if (files === null) return
  const place = join(dataDir, imagePlace(image))
  await makeDirectory(place)
  for (const name of names) {
    const part = join(place, `${name}.part`)
    // A copy, on file systems that can, that shares its bytes until one of them is written.
    await copyFile(files[name], part, constants.COPYFILE_FICLONE)
    await chmod(part, 0o644)
    await synced(part)
    await rename(part, join(place, name))
  }
  await synced(place)
}

export async function dropBootFiles(dataDir: string, image: ImageId): Promise<void> {
  await removeDirectory(join(dataDir, imagePlace(image)))
}

/** Makes the machine's directory. Its boot files are the image's own, under a second name. */
export async function prepareMachine(
  dataDir: string,
  machine: MachineId,
  image: ImageId,
): Promise<void> {
  const place = join(dataDir, placesOf(machine).directory)
  await makeDirectory(place)
  for (const name of names) {
    const source = join(dataDir, imagePlace(image), name)
    if (await exists(source)) await linkOnce(source, join(place, name))
  }
  await synced(place)
}

export async function discardMachine(dataDir: string, machine: MachineId): Promise<void> {
  const places = placesOf(machine)
  await rm(join(dataDir, places.run), { recursive: true, force: true })
  await removeDirectory(join(dataDir, places.directory))
}

async function makeDirectory(path: string): Promise<void> {
  await makePassage(path)
  await synced(dirname(path))
}

async function removeDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await synced(dirname(path))
}

async function linkOnce(source: string, target: string): Promise<void> {
  try {
    await link(source, target)
  } catch (cause) {
    if (!(await exists(target))) throw cause
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** A name or a file's bytes survive a power cut only once the directory or file is synced. */
async function synced(path: string): Promise<void> {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
