/** Which snapshots are listed as a machine's. On fakes, so quick. */
import { expect, test } from "vitest"
import type { SnapshotListing } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { done } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, member, volumeOf, snapshotOf } = house

const listed = async (who: Principal, listing: Partial<SnapshotListing>) =>
  right(await core().snapshots.list(who, { limit: 50, ...listing })).map(({ name }) => name)

test("those taken of a machine and of its root volume, for its account and the administrator", async () => {
  const { who: admin, making, service } = house.stage
  const [alice, bob] = [await member("alice"), await member("bob")]
  const imageId = await making.makeImage(service, alice)
  const { id, rootVolumeId } = await done(
    house.stage,
    core().machines.create({ who: alice }, { name: "web", imageId }),
  )
  const source = { kind: "machine", id } as const
  await done(house.stage, core().snapshots.create({ who: alice }, { name: "machine", source }))
  await snapshotOf(alice, rootVolumeId, "root")
  const other = (await volumeOf(alice)).id
  await snapshotOf(alice, other, "other")

  expect(await listed(alice, { lineageOf: id })).toEqual(["machine", "root"])
  expect(await listed(alice, { lineageOf: id, name: "root" })).toEqual(["root"])
  expect(await listed(alice, { source })).toEqual(["machine"])
  expect(await listed(admin, { lineageOf: id })).toEqual(["machine", "root"])
  expect(await listed(admin, { source: { kind: "volume", id: other } })).toEqual(["other"])
  expect(await listed(admin, {})).toEqual([])
  expect(await listed(bob, { lineageOf: id })).toEqual([])
  expect(await listed(bob, { source })).toEqual([])
})
