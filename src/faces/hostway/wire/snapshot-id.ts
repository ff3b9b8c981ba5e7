/**
 * Snapshot ids as this API dresses them: `snapshot_{server}_{2012Jul19}_{tail}`. The tail is the
 * snapshot's own id in base 36, so that undressing is a matter of reading, without a table; the
 * rest is for people.
 */
import { parseId, type SnapshotId } from "../../../domain/ids.ts"

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")
/** 36 ** 25 is the first power that holds 128 bits. */
const tailLength = 25

export function dressed(
  serverId: string,
  { id, createdAt }: { id: SnapshotId; createdAt: number },
): string {
  const at = new Date(createdAt)
  const day = String(at.getUTCDate()).padStart(2, "0")
  const date = `${at.getUTCFullYear()}${months[at.getUTCMonth()]}${day}`
  const tail = BigInt(`0x${id.replaceAll("-", "")}`).toString(36)
  return `snapshot_${serverId}_${date}_${tail.padStart(tailLength, "0")}`
}

/** The id within, of a dressed one or a bare UUID; undefined where there is none. */
export function undressed(text: string): SnapshotId | undefined {
  const [, tail] = /^snapshot_[^/]{1,64}_([0-9a-z]{25})$/.exec(text) ?? []
  if (tail === undefined) return parseId<"snapshot">(text)
  const hex = [...tail].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n)
  const parts = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex.toString(16).padStart(32, "0"))
  return parts === null ? undefined : parseId<"snapshot">(parts.slice(1).join("-"))
}
