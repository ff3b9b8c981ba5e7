/** Volumes that become larger: what is refused, what counts, and what queues behind it. On fakes. */
import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import type { Started } from "../../src/core/core.ts"
import type { Result } from "../../src/domain/fault.ts"
import type { MachineId, VolumeId } from "../../src/domain/ids.ts"
import { largestVolumeBytes } from "../../src/domain/volume.ts"
import {
  contentOf,
  done,
  filledVolume,
  MiB,
  runningMachine,
  snapshottedVolume,
} from "../crash/stage.ts"
import { bytesOf, ending, right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest({ capacity: { quota: { account: {}, source: {} } } })
const { core, snapshotOf } = house
const who = () => house.stage.who
const ledger = () => house.stage.making.ledger
const grow = (id: VolumeId, sizeBytes: number) => core().volumes.grow({ who: who() }, id, sizeBytes)
const end = <T>(result: Result<Started<T>>) => ending(house.stage.service, ledger(), result)
const sizeOf = async (id: VolumeId) => right(await core().volumes.get(who(), id)).sizeBytes
const off = (machine: MachineId) =>
  done(house.stage, core().machines.stop({ who: who() }, machine, { hard: true }))

/** As it is in truth. */
async function bytesIn(id: VolumeId): Promise<number> {
  let sent = 0
  const pipe = new PassThrough().on("data", (chunk: Buffer) => {
    sent += chunk.length
  })
  const sink = { format: "raw", open: () => pipe } as const
  right(await core().volumes.exportTo({ who: who() }, id, sink))
  return sent
}

/** The volume is held for as long as its file is on its way; resolves what ends that. */
async function filling(volume: VolumeId): Promise<() => Promise<void>> {
  const { length } = await ledger().read.operations.holding(volume)
  const stream = new PassThrough()
  const source = { format: "raw", stream, lengthBytes: MiB } as const
  const importing = core().volumes.importFrom({ who: who() }, volume, source)
  await expect.poll(() => ledger().read.operations.holding(volume)).toHaveLength(length + 1)
  return async () => {
    stream.end(bytesOf("filled", MiB))
    right(await importing)
  }
}

describe("a volume", () => {
  test("becomes larger and holds what it held", async () => {
    const { volume } = await filledVolume(house.stage, "held")
    expect((await done(house.stage, grow(volume, 2 * MiB + 512))).sizeBytes).toBe(2 * MiB + 512)
    expect(await sizeOf(volume)).toBe(2 * MiB + 512)
    expect(await bytesIn(volume)).toBe(2 * MiB + 512)
    expect(await contentOf(house.stage, volume)).toBe("held")
    const findings = right(await core().house.doctor(who(), { fix: false, rebuild: false }))
    expect(findings).toEqual([])
  })

  test("does not become smaller, nor what no volume can be", async () => {
    const { volume } = await filledVolume(house.stage, "held")
    for (const bytes of [MiB / 2, MiB, largestVolumeBytes + 512]) {
      expect(faultOf(await grow(volume, bytes))).toBe("size")
    }
    for (const bytes of [MiB + 1, Number.NaN]) {
      expect(faultOf(await grow(volume, bytes))).toBe("invalid")
    }
    expect(await sizeOf(volume)).toBe(MiB)
    await ledger().transaction((rooms) => rooms.volumes.change(volume, { state: "failed" }))
    expect(faultOf(await grow(volume, 2 * MiB))).toBe("wrong-state")
  })

  test("stays as large when it goes back, and its snapshots as small as they were", async () => {
    const { volume, snapshot } = await snapshottedVolume(house.stage)
    await done(house.stage, grow(volume, 2 * MiB))
    await done(house.stage, core().volumes.revert({ who: who() }, volume, snapshot))
    expect([await sizeOf(volume), await bytesIn(volume)]).toEqual([2 * MiB, 2 * MiB])
    expect(await contentOf(house.stage, volume)).toBe("old")
    const wish = { name: "clone", snapshotId: snapshot }
    const clone = await done(house.stage, core().volumes.create({ who: who() }, wish))
    expect([clone.sizeBytes, await bytesIn(clone.id)]).toEqual([MiB, MiB])
    const points = await ledger().read.points.find({ volumeId: volume })
    expect(points.map(({ sizeBytes }) => sizeBytes)).toEqual([MiB, 2 * MiB])
  })
})

describe("a machine's disk", () => {
  test("grows while the machine is off, and its guest finds it larger", async () => {
    const { machine, extra } = await runningMachine(house.stage)
    const refused = await grow(extra, 2 * MiB)
    expect(refused).toMatchObject({
      fault: { kind: "wrong-state", what: "machine", is: "running", needs: ["stopped"] },
    })
    const { rootVolumeId } = right(await core().machines.get(who(), machine))
    expect(faultOf(await grow(rootVolumeId, 2 * MiB))).toBe("wrong-state")
    await off(machine)
    await done(house.stage, grow(extra, 2 * MiB))
    await done(house.stage, grow(rootVolumeId, 3 * MiB))
    await done(house.stage, core().machines.start({ who: who() }, machine))
    const inGuest = async (argv: string[]) =>
      right(await core().machines.exec({ who: who() }, machine, { argv })).stdout.toString()
    await inGuest(["write", "1", String(2 * MiB - 4), "last"])
    expect(await inGuest(["read", "1", String(2 * MiB - 4), "4"])).toBe("last")
    expect(await inGuest(["read", "1", "0", "3"])).toBe("one")
    const { disks } = right(await core().machines.get(who(), machine))
    expect(disks.map(({ sizeBytes }) => sizeBytes)).toEqual([3 * MiB, 2 * MiB])
  })

  test("stays as large when the machine goes back", async () => {
    const { machine, extra } = await runningMachine(house.stage)
    const source = { kind: "machine", id: machine } as const
    const taken = core().snapshots.create({ who: who() }, { name: "s", source })
    const { id: snapshotId } = await done(house.stage, taken)
    await off(machine)
    await done(house.stage, grow(extra, 2 * MiB))
    await done(house.stage, core().machines.revert({ who: who() }, machine, { snapshotId }))
    await done(house.stage, core().machines.start({ who: who() }, machine))
    expect(await sizeOf(extra)).toBe(2 * MiB)
    expect(await house.stage.making.peek(house.stage.host, machine, 1)).toBe("one")
    await off(machine)
    expect(await bytesIn(extra)).toBe(2 * MiB)
  })

  test("whose machine is on when its turn comes is left alone", async () => {
    const { machine, extra } = await runningMachine(house.stage)
    await off(machine)
    const pipe = new PassThrough()
    const sink = { format: "raw", open: () => pipe } as const
    const exporting = core().volumes.exportTo({ who: who() }, extra, sink)
    await expect.poll(() => ledger().read.operations.holding(machine)).toHaveLength(1)
    const starting = await core().machines.start({ who: who() }, machine)
    const growing = await grow(extra, 2 * MiB)
    pipe.resume()
    right(await exporting)
    expect((await end(starting)).state).toBe("done")
    const fault = { kind: "wrong-state", what: "machine", needs: ["stopped"] }
    expect(await end(growing)).toMatchObject({ state: "undone", fault })
    expect(await sizeOf(extra)).toBe(MiB)
    await off(machine)
    expect(await bytesIn(extra)).toBe(MiB)
  })
})

describe("while it waits for its turn", () => {
  test("what queues behind it reckons with its size", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const filled = await filling(volume)
    const growing = await grow(volume, 2 * MiB)
    expect(faultOf(await grow(volume, 2 * MiB))).toBe("size")
    const taking = snapshotOf(who(), volume)
    const copying = await core().volumes.create({ who: who() }, { name: "c", cloneOf: volume })
    await filled()
    expect((await end(growing)).state).toBe("done")
    const { points } = right(await core().snapshots.get(who(), (await taking).id))
    expect(points.map(({ sizeBytes }) => sizeBytes)).toEqual([2 * MiB])
    const copy = await end(copying)
    expect([copy.state, await bytesIn(copy.resource.id)]).toEqual(["done", 2 * MiB])
  })

  test.each([
    [[0], 3],
    [[1], 2],
    [[0, 1], 1],
    [[1, 0], 1],
  ])("of two, %j given up, it ends at what is there: %i MiB", async (cancelled, ends) => {
    const { volume } = await filledVolume(house.stage, "old")
    const filled = await filling(volume)
    const both = [await grow(volume, 2 * MiB), await grow(volume, 3 * MiB)]
    for (const index of cancelled) {
      const one = both[index]
      if (one === undefined) throw new Error("there are two")
      right(await core().operations.cancel({ who: who() }, right(one).operation.id))
    }
    await filled()
    for (const [index, one] of both.entries()) {
      expect((await end(one)).state).toBe(cancelled.includes(index) ? "undone" : "done")
    }
    expect([await sizeOf(volume), await bytesIn(volume)]).toEqual([ends * MiB, ends * MiB])
    expect(await contentOf(house.stage, volume)).toBe("filled")
  })

  test("given up, it leaves what was promised since", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const first = await filling(volume)
    const given = await grow(volume, 2 * MiB)
    const second = await filling(volume)
    const growing = await grow(volume, 3 * MiB)
    right(await core().operations.cancel({ who: who() }, right(given).operation.id))
    await first()
    expect((await end(given)).state).toBe("undone")
    expect(await sizeOf(volume)).toBe(3 * MiB)
    await second()
    expect((await end(growing)).state).toBe("done")
    expect(await bytesIn(volume)).toBe(3 * MiB)
  })

  test("it counts against quotas from the moment it is promised", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const { volume: other } = await filledVolume(house.stage, "old")
    const quota = { logicalBytes: 4 * MiB }
    right(await core().identity.setQuota({ who: who() }, "admin", quota))
    const filled = await filling(volume)
    const growing = await grow(volume, 3 * MiB)
    expect(await grow(other, 2 * MiB)).toMatchObject({
      fault: { kind: "quota", what: "bytes in volumes", limit: 4 * MiB, used: 4 * MiB },
    })
    right(await core().operations.cancel({ who: who() }, right(growing).operation.id))
    await filled()
    expect((await end(growing)).state).toBe("undone")
    await done(house.stage, grow(other, 3 * MiB))
  })
})

describe("a machine's quota", () => {
  const limited = houseForEachTest({
    capacity: { quota: { account: {}, source: { logicalBytes: 3 * MiB } } },
  })

  test("counts what its disks grow by, as a volume's own does", async () => {
    const { machine, extra } = await runningMachine(limited.stage)
    const { who } = limited.stage
    const { volumes, machines } = limited.core()
    await done(limited.stage, machines.stop({ who }, machine, { hard: true }))
    const what = "bytes in one machine"
    expect(await volumes.grow({ who }, extra, 3 * MiB)).toMatchObject({ fault: { what } })
    await done(limited.stage, volumes.grow({ who }, extra, 2 * MiB))
    const { volume } = await filledVolume(limited.stage, "x")
    expect(faultOf(await volumes.grow({ who }, volume, 4 * MiB))).toBe("quota")
  })
})
