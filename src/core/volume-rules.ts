/** What a volume must be for what is asked of it. Rules refuse by throwing. */
import { type Named, Refusal } from "../domain/fault.ts"
import type { AccountId } from "../domain/ids.ts"
import { largestVolumeBytes, sectorBytes, type Volume } from "../domain/volume.ts"

const longestType = 255

export function mustBeSize(bytes: number): void {
  const whole = Number.isInteger(bytes) && bytes % sectorBytes === 0
  if (!whole) {
    const why = `a size is a whole number of bytes, a multiple of ${sectorBytes}`
    throw new Refusal({ kind: "invalid", why, field: "sizeBytes" })
  }
  if (bytes >= sectorBytes && bytes <= largestVolumeBytes) return
  const bounds = { bytes, atLeast: sectorBytes, atMost: largestVolumeBytes }
  throw new Refusal({ kind: "size", what: "the volume", ...bounds })
}

/** The word of the face that made it; nothing in here reads it. */
export function mustBeType(type: string | null): void {
  if (type === null || (type.length <= longestType && type.isWellFormed())) return
  const why = `has at most ${longestType} characters, all of them Unicode`
  throw new Refusal({ kind: "invalid", why, field: "type" })
}

export function mustBeIn(
  volume: Pick<Volume, "id" | "state">,
  needs: readonly Volume["state"][],
): void {
  if (needs.includes(volume.state)) return
  const { id, state } = volume
  throw new Refusal({ kind: "wrong-state", what: "volume", id, is: state, needs })
}

/**
 * Who may see both, as the administrator, may still not mix them: a machine's owner would read, and
 * its snapshots would keep, what is somebody else's.
 */
export function mustBelongTo(accountId: AccountId, { id, accountId: owner }: Volume): void {
  if (owner === accountId) return
  const why = `volume ${id} belongs to another account than the machine`
  throw new Refusal({ kind: "invalid", why, field: "volumeId" })
}

/** `others`: what would hinder it besides, named so that a person sees all of it at once. */
export function mustBeFreeOfMachines(
  { id, machineId, role }: Volume,
  others: readonly Named[] = [],
): void {
  if (machineId === null) return
  const by = [{ kind: "machine", id: machineId } as const, ...(role === "root" ? [] : others)]
  const first =
    others.length === 0 ? "detach it first" : "delete its snapshots, and detach it, first"
  const hint = role === "root" ? "a root volume lives with its machine" : first
  throw new Refusal({ kind: "in-use", what: "volume", id, by, hint })
}
