/** What a snapshot must be to be taken, its face's own rules among it; what gives way to it. */
import { attempt, type Fault, Refusal } from "../domain/fault.ts"
import type { Snapshot, SnapshotSource } from "../domain/snapshot.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { CountRule, SnapshotWish, SourceRule } from "./core.ts"
import { mustSuit } from "./machine-rules.ts"
import { mustBeFree } from "./names.ts"
import { living, mustFit } from "./quota.ts"
import { shownStates } from "./snapshot-rows.ts"
import { type Covered, mustBePossible, mustLive, taking } from "./snapshot-source.ts"

export type Verdict = {
  /** Bytes on disk to be set aside for it. */
  reserves: number
  /** Older ones that are deleted for it. */
  replaces: readonly Snapshot[]
  /** It comes to nothing, and that is on record; nothing was thrown. */
  refused: Fault | null
}

/** Failed ones of one source on record, beyond which refusals are told and not recorded. */
const mostRecorded = 1000

/** Throws refusals, but those that the wish wants on record. Writes nothing. */
export async function judge(
  rooms: Rooms,
  context: Context,
  wish: SnapshotWish,
  covered: Covered,
): Promise<Verdict> {
  const judged = await attempt(() => mustBeAllowed(rooms, context, wish, covered))
  if (judged.ok) return { ...judged.value, refused: null }
  const { fault } = judged
  const failed = { sourceId: wish.source.id, state: "failed" } as const
  const isRecorded =
    wish.recorded?.includes(fault.kind) && (await rooms.snapshots.count(failed)) < mostRecorded
  if (isRecorded) return { reserves: 0, replaces: [], refused: fault }
  throw new Refusal(fault)
}

async function mustBeAllowed(
  rooms: Rooms,
  context: Context,
  wish: SnapshotWish,
  covered: Covered,
): Promise<Omit<Verdict, "refused">> {
  const { name, nameRule, source, countRule, sourceRule } = wish
  mustLive(covered)
  mustBePossible(context, wish, covered.machine)
  mustBeSuch(covered, sourceRule)
  await mustHaveGuest(rooms, covered, sourceRule)
  const alike = { sourceId: sourcesOf(covered, source), name, state: [...shownStates] }
  await mustBeFree(nameRule, "snapshot", name, () =>
    rooms.snapshots.find({ ...alike, recovery: false }),
  )
  const replaces = await givingWay(rooms, wish, countRule)
  const { takes, ...rest } = taking(wish, covered)
  // Those that give way are counted still.
  const snapshots = Math.max(0, 1 - replaces.length)
  const reserves = await mustFit(rooms, context, { ...rest, takes: { ...takes, snapshots } })
  return { reserves, replaces }
}

function mustBeSuch({ machine, volumes }: Covered, { extras, states }: SourceRule = {}): void {
  const extraVolumes = volumes.filter(({ role }) => role === "extra")
  if (extras === "refused" && machine !== null && extraVolumes.length > 0) {
    throw new Refusal({
      kind: "in-use",
      what: "machine",
      id: machine.id,
      by: extraVolumes.map(({ id }) => ({ kind: "volume", id })),
      hint: "detach its extra volumes first",
    })
  }
  const [volume] = volumes
  if (states === undefined || machine !== null || volume === undefined) return
  const { id, state } = volume
  if (states.includes(state)) return
  throw new Refusal({ kind: "wrong-state", what: "volume", id, is: state, needs: states })
}

/** One that is off, and will be when its turn comes, is refused before an older one gives way. */
async function mustHaveGuest(
  rooms: Rooms,
  { machine }: Covered,
  { guest }: SourceRule = {},
): Promise<void> {
  if (guest === "required" && machine !== null) await mustSuit(rooms, machine, ["running"])
}

/** A machine's snapshots are those of its root volume, too, whoever took them. */
const sourcesOf = ({ machine }: Covered, { id }: SnapshotSource): string[] =>
  machine === null ? [id] : [id, machine.rootVolumeId]

/** The oldest of the source's snapshots that must go for one more; refuses where that cannot be. */
async function givingWay(
  rooms: Rooms,
  { source }: SnapshotWish,
  rule: CountRule | undefined,
): Promise<Snapshot[]> {
  if (rule === undefined) return []
  const counted = { sourceId: source.id, recovery: false }
  const used = await rooms.snapshots.count({ ...counted, state: living.snapshots })
  const tooMany = used + 1 - rule.most
  if (tooMany <= 0) return []
  const replaced =
    rule.then === "refuse"
      ? []
      : await rooms.snapshots.find({ ...counted, state: "ready" }, { limit: tooMany })
  if (replaced.length === tooMany) return replaced
  const what = `snapshots of one ${source.kind}`
  throw new Refusal({ kind: "quota", what, limit: rule.most, used })
}
