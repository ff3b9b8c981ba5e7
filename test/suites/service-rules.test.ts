/** What deleting takes along, and what bad wishes leave alone. On fakes, so quick. */
import { describe, expect, test } from "vitest"
import type { ImageId, SnapshotId } from "../../src/domain/ids.ts"
import type { SnapshotSource } from "../../src/domain/snapshot.ts"
import { contentOf, filledVolume, MiB, nowhere, runningMachine } from "../crash/stage.ts"
import { bytesOf, ending, right, settled, upload } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house

async function takenOf(source: SnapshotSource, name: string): Promise<SnapshotId> {
  const { who, service, making } = house.stage
  const taken = await core().snapshots.create({ who }, { name, source })
  return (await settled(service, making.ledger, taken)).id
}

describe("what goes, and what it takes along", () => {
  test("a volume with snapshots is refused with their ids, unless they go too", async () => {
    const { who } = house.stage
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    const refused = await core().volumes.remove({ who }, volume.id, { cascade: false })
    expect(refused).toMatchObject({
      fault: { kind: "in-use", by: [{ kind: "snapshot", id }] },
    })
    const removed = await core().volumes.remove({ who }, volume.id, { cascade: true })
    await settled(house.stage.service, house.stage.making.ledger, removed)
    expect(faultOf(await core().snapshots.get(who, id))).toBe("not-found")
  })

  test("deleting a snapshot in the middle hangs its child on its parent", async () => {
    const { who } = house.stage
    const volume = await volumeOf(who)
    const [a, b, c] = [
      await snapshotOf(who, volume.id, "a"),
      await snapshotOf(who, volume.id, "b"),
      await snapshotOf(who, volume.id, "c"),
    ]
    right(await core().snapshots.remove({ who }, b.id))
    expect(right(await core().snapshots.get(who, c.id)).parentId).toBe(a.id)
    right(await core().snapshots.remove({ who }, c.id))
    const d = await snapshotOf(who, volume.id, "d")
    expect(right(await core().snapshots.get(who, d.id)).parentId).toBe(a.id)
  })

  test("a machine and its root volume have one lineage, whichever of them is asked", async () => {
    const { who } = house.stage
    const { machine } = await runningMachine(house.stage)
    const [root] = right(await core().machines.get(who, machine)).disks
    const ofMachine = (name: string) => takenOf({ kind: "machine", id: machine }, name)
    const one = await ofMachine("one")
    const two = await takenOf({ kind: "volume", id: root?.id as never }, "two")
    const three = await ofMachine("three")
    const parentOf = async (id: SnapshotId) => right(await core().snapshots.get(who, id)).parentId
    expect([await parentOf(two), await parentOf(three)]).toEqual([one, two])
    const reverted = core().machines.revert({ who }, machine, { snapshotId: two })
    await settled(house.stage.service, house.stage.making.ledger, await reverted)
    expect(right(await core().snapshots.get(who, two)).current).toBe(true)
    expect(await parentOf(await ofMachine("four"))).toBe(two)
  })

  test("a machine takes its snapshots along; a clone of one lives on", async () => {
    const { who } = house.stage
    const { machine, extra } = await runningMachine(house.stage)
    const source = { kind: "machine", id: machine } as const
    const taken = await settled(
      house.stage.service,
      house.stage.making.ledger,
      await core().snapshots.create({ who }, { name: "s", source }),
    )
    const clone = await settled(
      house.stage.service,
      house.stage.making.ledger,
      await core().volumes.create({ who }, { name: "clone", snapshotId: taken.id }),
    )
    const removed = await core().machines.remove({ who }, machine)
    await settled(house.stage.service, house.stage.making.ledger, removed)
    expect(right(await core().snapshots.list(who, { limit: 10 }))).toEqual([])
    expect(await contentOf(house.stage, clone.id)).toBe("an image")
    expect(right(await core().volumes.get(who, extra)).state).toBe("available")
  })

  test("the recovery snapshot of a revert goes when its days are over", async () => {
    const { who } = house.stage
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    const { ledger } = house.stage.making
    await settled(house.stage.service, ledger, await core().volumes.revert({ who }, volume.id, id))
    const [recovery] = (await ledger.read.snapshots.find({ recovery: true })) ?? []
    expect(recovery?.state).toBe("ready")
    await ledger.transaction((rooms) =>
      rooms.snapshots.change(recovery?.id ?? "", { expiresAt: Date.now() - 1 }),
    )
    await house.stage.service.tidyUp()
    await house.stage.service.executor.idle()
    expect(await ledger.read.snapshots.find({ recovery: true })).toEqual([])
    expect(right(await core().snapshots.get(who, id)).state).toBe("ready")
  })
})

describe("bad wishes change nothing", () => {
  test.each([
    ["a size that is no multiple of a sector", { sizeBytes: 1000 }, "invalid"],
    ["a size below zero", { sizeBytes: -512 }, "size"],
    ["a size beyond all disks", { sizeBytes: 2 ** 60 }, "size"],
    ["a size that is not a number", { sizeBytes: Number.NaN }, "invalid"],
  ])("%s", async (_what, wish, fault) => {
    const { who } = house.stage
    expect(faultOf(await core().volumes.create({ who }, { name: "v", ...wish }))).toBe(fault)
    expect(await house.stage.making.ledger.read.volumes.count({})).toBe(0)
    expect(await house.stage.making.ledger.read.operations.count({})).toBe(0)
  })

  test("a file larger than the volume leaves what was there", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const large = upload(bytesOf("new", 2 * MiB))
    const { who } = house.stage
    expect(faultOf(await core().volumes.importFrom({ who }, volume, large))).toBe("size")
    const unsure = { ...upload(bytesOf("new", 2 * MiB)), lengthBytes: null }
    expect(faultOf(await core().volumes.importFrom({ who }, volume, unsure))).toBe("size")
    expect(await contentOf(house.stage, volume)).toBe("old")
  })

  test("an attached volume is not filled, and not given to another", async () => {
    const { who } = house.stage
    const { machine, extra } = await runningMachine(house.stage)
    const file = upload(bytesOf("new", MiB))
    expect(faultOf(await core().volumes.importFrom({ who }, extra, file))).toBe("in-use")
    expect(faultOf(await core().volumes.exportTo({ who }, extra, nowhere()))).toBe("in-use")
    expect(faultOf(await core().machines.attach({ who }, machine, extra))).toBe("in-use")
    const how = { cascade: true }
    expect(faultOf(await core().volumes.remove({ who }, extra, how))).toBe("in-use")
  })

  test("a volume of one account is no disk of another's machine, whoever asks", async () => {
    const admin = house.stage.who
    const { machine } = await runningMachine(house.stage)
    const foreign = await volumeOf(await house.member("alice"))
    const attached = await core().machines.attach({ who: admin }, machine, foreign.id)
    expect(faultOf(attached)).toBe("invalid")
    const [image] = right(await core().images.list(admin, { limit: 1 }))
    const wish = { name: "m2", imageId: image?.id as ImageId, volumeIds: [foreign.id] }
    expect(faultOf(await core().machines.create({ who: admin }, wish))).toBe("invalid")
    expect(right(await core().volumes.get(admin, foreign.id)).machineId).toBeNull()
  })

  test("a snapshot of another volume is not gone back to", async () => {
    const { who } = house.stage
    const [one, two] = [await volumeOf(who, "one"), await volumeOf(who, "two")]
    const { id } = await snapshotOf(who, one.id)
    expect(faultOf(await core().volumes.revert({ who }, two.id, id))).toBe("invalid")
  })

  test("an operation that fails says so, and its snapshot does too; why is in the log", async () => {
    const { who } = house.stage
    const { machine } = await runningMachine(house.stage)
    Object.defineProperty(house.stage.host, "switchDisks", {
      value: async () => {
        throw new Error("/var/lib/secret: no such file")
      },
    })
    const source = { kind: "machine", id: machine } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    const ended = await ending(house.stage.service, house.stage.making.ledger, taken)
    const { operation } = right(taken)
    const reason = expect.stringMatching(new RegExp(`^[a-z ,;]+ operation ${operation.id}$`))
    expect(ended).toMatchObject({ state: "undone", reason })
    const snapshot = right(await core().snapshots.get(who, ended.resource.id))
    expect(snapshot).toMatchObject({ state: "failed", reason, points: [] })
    const told = right(await core().operations.get(who, operation.id))
    expect(JSON.stringify([told, ended, snapshot])).not.toContain("secret")
  })
})
