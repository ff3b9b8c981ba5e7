/**
 * A disk that fills up under running guests hurts everybody, so some of it stays free: below the
 * low-water mark nothing new is begun. What gives space back, or needs none, always goes on.
 */
import { Refusal } from "../domain/fault.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { LowWater } from "./capacity.ts"
import type { Context } from "./context.ts"

const defaultBytes = 2 ** 30
const defaultShare = 0.05

/** Unless told otherwise, a gibibyte or a twentieth of the whole, whichever is less. */
export function lowWaterBytes(mark: LowWater | null, totalBytes: number): number {
  if (mark === null) return Math.min(defaultBytes, Math.floor(totalBytes * defaultShare))
  return "bytes" in mark ? mark.bytes : Math.floor(totalBytes * mark.share)
}

export type FreeSpace = {
  freeBytes: number
  lowWaterBytes: number
  /** Of the free ones, set aside for what is under way. */
  reservedBytes: number
  /** No new work is begun that needs space. */
  paused: boolean
}

type Looking = { operations: Pick<Rooms["operations"], "sum"> }

export async function freeSpace(
  rooms: Looking,
  { capacity, node }: Pick<Context, "capacity" | "node">,
): Promise<FreeSpace> {
  const { totalBytes, freeBytes } = capacity.fileSystem()
  const mark = lowWaterBytes(capacity.lowWater, totalBytes)
  const reservedBytes = await rooms.operations.sum("reservedBytes", { node })
  const paused = freeBytes - reservedBytes < mark
  return { freeBytes, lowWaterBytes: mark, reservedBytes, paused }
}

/** Refuses with `no-space` what would leave less free than the mark. */
export async function mustHaveSpace(
  rooms: Looking,
  context: Pick<Context, "capacity" | "node">,
  neededBytes: number,
): Promise<void> {
  const { freeBytes, lowWaterBytes: mark, reservedBytes } = await freeSpace(rooms, context)
  const keptBytes = mark + reservedBytes
  if (freeBytes - keptBytes >= neededBytes) return
  throw new Refusal({ kind: "no-space", neededBytes, freeBytes, keptBytes })
}

/** In words, for people who ask why nothing goes on. */
export const pausedWords = ({ freeBytes, lowWaterBytes: mark, reservedBytes }: FreeSpace): string =>
  `new work is paused: ${freeBytes} bytes are free, ${mark} of them must stay free` +
  (reservedBytes > 0 ? ` and ${reservedBytes} are set aside for what is under way` : "")
