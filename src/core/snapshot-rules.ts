/** What a snapshot must be to be taken, its face's own rules among it; how many may stay with it. */
import { standingState } from "../domain/claim.ts"
import { attempt, type Fault, Refusal } from "../domain/fault.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { CountRule, SnapshotWish, SourceRule } from "./core.ts"
import { mustSuit } from "./machine-rules.ts"
import { mustBeFree } from "./names.ts"
import { living, mustFit } from "./quota.ts"
import { namesakes } from "./snapshot-rows.ts"
import { type Covered, mustBePossible, mustLive, taking } from "./snapshot-source.ts"

export type Verdict = {
  /** Bytes on disk to be set aside for it. */
  reserves: number
  /** So many of its source may be ready once it is: the oldest give way then. Null: all stay. */
  most: number | null
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
  if (isRecorded) return { reserves: 0, most: null, refused: fault }
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
  await mustHaveGuest(rooms, covered, wish)
  await mustBeFree(nameRule, "snapshot", name, () =>
    rooms.snapshots.find(namesakes(source.id, covered.machine, name)),
  )
  const isInstead = await mustBeAnother(rooms, wish, countRule)
  const { takes, ...rest } = taking(wish, covered)
  // What gives way to it is counted still.
  const snapshots = isInstead ? 0 : 1
  const reserves = await mustFit(rooms, context, { ...rest, takes: { ...takes, snapshots } })
  return { reserves, most: countRule?.then === "replace-oldest" ? countRule.most : null }
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
  const is = standingState(volume)
  if (states.some((state) => state === is)) return
  throw new Refusal({ kind: "wrong-state", what: "volume", id: volume.id, is, needs: states })
}

/** One that is off, and will be when its turn comes, is refused before an older one gives way. */
async function mustHaveGuest(
  rooms: Rooms,
  { machine }: Covered,
  { sourceRule, memory }: SnapshotWish,
): Promise<void> {
  if (sourceRule?.guest !== "required" || machine === null) return
  await mustSuit(rooms, machine, ["running"], memory === true ? whileOff : undefined)
}

const whileOff = "start it first, or take the snapshot without memory"

/**
 * True where older ones must give way to it; refuses where they cannot. None goes before it is
 * there, and one that is on its way never.
 */
async function mustBeAnother(
  rooms: Rooms,
  { source }: SnapshotWish,
  rule: CountRule | undefined,
): Promise<boolean> {
  if (rule === undefined) return false
  const counted = { sourceId: source.id, recovery: false }
  const used = await rooms.snapshots.count({ ...counted, state: living.snapshots })
  const tooMany = used + 1 - rule.most
  if (tooMany <= 0) return false
  const replaceable =
    rule.then === "refuse" ? 0 : await rooms.snapshots.count({ ...counted, state: "ready" })
  if (replaceable >= tooMany) return true
  const what = `snapshots of one ${source.kind}`
  throw new Refusal({ kind: "quota", what, limit: rule.most, used })
}
