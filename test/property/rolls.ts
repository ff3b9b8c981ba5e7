/** What a step makes of what it rolls. */
import type { Grove } from "./grove.ts"

/** Between 0 and 1; the next one of the step's own. */
export type Roll = () => number

export type Step = { weight: number; do(grove: Grove, roll: Roll): Promise<void> }
export type Steps = Readonly<Record<string, Step>>

export const upTo = (roll: Roll, limit: number): number => Math.floor(roll() * limit)

export const pick = <T>(from: readonly T[], roll: Roll): T | undefined =>
  from[upTo(roll, from.length)]

/** Some of it whole clusters, some anywhere in sectors. */
export function runIn(sizeBytes: number, roll: Roll): { offset: number; length: number } {
  const unit = roll() < 0.5 ? 65_536 : 512
  const units = Math.max(1, Math.floor(sizeBytes / unit))
  const first = upTo(roll, units)
  const longest = unit === 512 ? 300 : 6
  const offset = first * unit
  const length = (1 + upTo(roll, longest)) * unit
  return { offset, length: Math.max(0, Math.min(length, sizeBytes - offset)) }
}
