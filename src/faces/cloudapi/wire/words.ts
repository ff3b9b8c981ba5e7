/** Words and sizes that several nouns share. */
import type { MachineKind } from "../../../domain/machine.ts"
import type { Dialect } from "../versions.ts"

export const MiB = 2 ** 20

/** Times are UTC, in ISO 8601. */
export function timeText(ms: number, { plainTimes }: Pick<Dialect, "plainTimes">): string {
  const text = new Date(ms).toISOString()
  return plainTimes ? text.replace(/\.\d+Z$/, "+00:00") : text
}

/** A machine's type; its brand says the same in more words from version 8 on. */
export const typeWords = {
  vm: "virtualmachine",
  container: "smartmachine",
} as const satisfies Record<MachineKind, string>

export const brandWords = {
  vm: "bhyve",
  container: "lx",
} as const satisfies Record<MachineKind, string>
