/**
 * What guests print on their serial consoles. QEMU appends it to a file without end, and a guest
 * may print for ever, so the file is cut back to its newest part from time to time.
 */
import { appendFile, stat, truncate } from "node:fs/promises"
import { join } from "node:path"
import type { MachineId } from "../../domain/ids.ts"
import { tailOf } from "./guest.ts"
import { placesOf } from "./layout.ts"

const longestBytes = 16 * 2 ** 20
const keptBytes = 2 ** 20
export const trimEveryMs = 60_000

export const consoleTail = (dataDir: string, machine: MachineId, lastBytes: number) =>
  tailOf(fileOf(dataDir, machine), Math.min(lastBytes, longestBytes))

/** A line printed at the very moment of the cut may come to stand before older ones. */
export async function trimConsole(dataDir: string, machine: MachineId): Promise<void> {
  const file = fileOf(dataDir, machine)
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || found.size <= longestBytes) return
  const kept = await tailOf(file, keptBytes)
  await truncate(file, 0)
  await appendFile(file, kept)
}

const fileOf = (dataDir: string, machine: MachineId) => join(dataDir, placesOf(machine).console)
