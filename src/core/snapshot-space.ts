/** What is asked of several snapshots together: where two differ, what some would give back. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal } from "../domain/fault.ts"
import type { AccountId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Point } from "../domain/snapshot.ts"
import { type OneAtATime, oneAtATime } from "../platform/one-at-a-time.ts"
import type { Context } from "./context.ts"
import type { Snapshots, VolumeDiff } from "./core.ts"
import { mostPoints, shownSnapshot } from "./snapshot-rows.ts"

type Tools = Pick<Context, "ledger" | "engine">
type Wish = Parameters<Snapshots["changes"]>[1]

export function openSnapshotSpace(tools: Tools): Pick<Snapshots, "changes" | "freed"> {
  // What was written twice is read and compared: each account has its disks busy with one such.
  const turns = new Map<AccountId, OneAtATime>()
  const turnOf = ({ accountId }: Principal): OneAtATime => {
    const turn = turns.get(accountId) ?? oneAtATime()
    turns.set(accountId, turn)
    return turn
  }
  return {
    changes: (who, wish) => attempt(() => turnOf(who)(() => changesOf(tools, who, wish))),
    freed: (who, ids) => attempt(() => freedBy(tools, who, ids)),
  }
}

async function changesOf(tools: Tools, who: Principal, wish: Wish): Promise<VolumeDiff[]> {
  const diffs: VolumeDiff[] = []
  for (const { before, after } of await pairsOf(tools, who, wish)) {
    const { volumeId, sizeBytes } = after
    const [fromPointId, toPointId] = [before?.id ?? null, after.id]
    const changes = await tools.engine(after.engine).changes(fromPointId, toPointId)
    diffs.push({ volumeId, fromPointId, toPointId, sizeBytes, changes })
  }
  return diffs
}

/** Two points to compare; null is a disk on which nothing was ever written. */
type Pair = { before: Point | null; after: Point }

async function pairsOf(tools: Tools, who: Principal, wish: Wish): Promise<Pair[]> {
  const { from, to, volume } = wish
  const earlier = from === null ? null : await readyPoints(tools, who, from)
  const later = await readyPoints(tools, who, to)
  const asked = later.filter(({ volumeId }) => volume === undefined || volumeId === volume)
  if (volume !== undefined && asked.length === 0) {
    throw new Refusal({ kind: "not-found", what: "point", id: volume })
  }
  if (earlier === null) return fromNothing(asked)
  const alike = sameVolumes(earlier, later)
  const pairs = alike.length > 0 ? alike : await relatives(tools, earlier, later)
  if (pairs.length === 0) {
    const why = "these two snapshots have nothing in common: no volume, and nothing ever written"
    throw new Refusal({ kind: "invalid", why, field: "to" })
  }
  if (volume === undefined) return pairs
  const ofVolume = pairs.filter(({ after }) => after.volumeId === volume)
  // The earlier snapshot knew nothing of this volume: all that it holds came since.
  return ofVolume.length > 0 ? ofVolume : fromNothing(asked)
}

const fromNothing = (points: readonly Point[]): Pair[] =>
  points.map((after) => ({ before: null, after }))

async function readyPoints({ ledger }: Tools, who: Principal, id: SnapshotId): Promise<Point[]> {
  const { state } = await shownSnapshot(ledger.read, who, id)
  if (state !== "ready") {
    throw new Refusal({ kind: "wrong-state", what: "snapshot", id, is: state, needs: ["ready"] })
  }
  return await ledger.read.points.find({ snapshotId: id })
}

function sameVolumes(earlier: readonly Point[], later: readonly Point[]): Pair[] {
  const known = new Map<VolumeId, Point>(earlier.map((point) => [point.volumeId, point]))
  return later.flatMap((after) => {
    const before = known.get(after.volumeId)
    return before === undefined ? [] : [{ before, after }]
  })
}

/** Of different volumes: each with one that it was cloned from, or that has an origin with it. */
async function relatives(
  { engine }: Tools,
  earlier: readonly Point[],
  later: readonly Point[],
): Promise<Pair[]> {
  const pairs: Pair[] = []
  const free = new Set(earlier)
  for (const after of later) {
    for (const before of free) {
      if (before.engine !== after.engine) continue
      if (!(await engine(after.engine).related(before.id, after.id))) continue
      pairs.push({ before, after })
      free.delete(before)
      break
    }
  }
  return pairs
}

async function freedBy(
  { ledger, engine }: Tools,
  who: Principal,
  ids: readonly SnapshotId[],
): Promise<number> {
  const each = [...new Set(ids)]
  let bytes = 0
  for (const id of each) bytes += (await shownSnapshot(ledger.read, who, id)).memoryBytes ?? 0
  const limit = Math.max(1, each.length) * mostPoints
  const points = await ledger.read.points.find({ snapshotId: each }, { limit })
  for (const [name, ofEngine] of Map.groupBy(points, (point) => point.engine)) {
    bytes += await engine(name).freed(ofEngine.map(({ id }) => id))
  }
  return bytes
}
