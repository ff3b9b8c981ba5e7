/** What has more snapshots than are ever read at once can still be deleted. On fakes. */
import { expect, test } from "vitest"
import type { MachineId, VolumeId } from "../../src/domain/ids.ts"
import { newId } from "../../src/domain/ids.ts"
import { mostAtOnce } from "../../src/ledger/matching.ts"
import { done, runningMachine } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house
const ledger = () => house.stage.making.ledger

/** Rows like those of one that was really taken; their engine never heard of them. */
async function addMany(
  source: { kind: "volume"; id: VolumeId } | { kind: "machine"; id: MachineId },
  volumeId: VolumeId,
): Promise<void> {
  const { who } = house.stage
  const { id } = await snapshotOf(who, volumeId)
  const snapshot = await ledger().read.snapshots.get(id)
  const [point] = await ledger().read.points.find({ snapshotId: id })
  if (snapshot === undefined || point === undefined) throw new Error("nothing was taken")
  await ledger().transaction(async (rooms) => {
    for (let n = 0; n < mostAtOnce + 1000; n++) {
      const snapshotId = newId<"snapshot">()
      const of = { sourceKind: source.kind, sourceId: source.id, parentId: id }
      await rooms.snapshots.add({ ...snapshot, ...of, id: snapshotId })
      await rooms.points.add({ ...point, id: newId<"point">(), snapshotId })
    }
  })
}

const expectNothingLeft = async () => {
  expect(await ledger().read.points.count({})).toBe(0)
  expect(await ledger().read.snapshots.count({})).toBe(0)
}

test("a volume", { timeout: 120_000 }, async () => {
  const { who } = house.stage
  const { id } = await volumeOf(who)
  await addMany({ kind: "volume", id }, id)
  const hindered = await core().volumes.remove({ who }, id, { cascade: false })
  expect(faultOf(hindered)).toBe("in-use")
  const lenient = { cascade: false, recovery: "goes-along" } as const
  expect(faultOf(await core().volumes.remove({ who }, id, lenient))).toBe("in-use")
  await done(house.stage, core().volumes.remove({ who }, id, { cascade: true }))
  await expectNothingLeft()
})

test("a machine", { timeout: 120_000 }, async () => {
  const { who } = house.stage
  const { machine: id } = await runningMachine(house.stage)
  const { rootVolumeId } = right(await core().machines.get(who, id))
  await addMany({ kind: "machine", id }, rootVolumeId)
  await done(house.stage, core().machines.remove({ who }, id))
  await expectNothingLeft()
})
