/**
 * What several operations on the same things must not do to each other. A row says what was
 * promised; what is so is known to hosts and engines. On fakes, so quick.
 */
import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import type { SnapshotId } from "../../src/domain/ids.ts"
import type { Host } from "../../src/hosts/host.ts"
import {
  contentOf,
  done,
  filledVolume,
  MiB,
  runningMachine,
  snapshotContent,
} from "../crash/stage.ts"
import { bytesOf, ending, right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house

/** The host's verb does something else from now on; resolves what it was. */
function instead<V extends keyof Host>(verb: V, other: Host[V]): Host[V] {
  const real = house.stage.host[verb]
  Object.defineProperty(house.stage.host, verb, { value: other, configurable: true })
  return real
}

const endOf = async (started: Parameters<typeof ending>[2]) =>
  await ending(house.stage.service, house.stage.making.ledger, started)

describe("a volume promised to a machine", () => {
  test("is not opened by a start that came before the promise", async () => {
    const { who, host, making } = house.stage
    const { machine } = await runningMachine(house.stage)
    const { volume } = await filledVolume(house.stage, "old")
    const stream = new PassThrough()
    const source = { format: "raw", stream, lengthBytes: MiB } as const
    const importing = core().volumes.importFrom({ who }, volume, source)
    await expect.poll(() => making.ledger.read.operations.holding(volume)).toHaveLength(1)
    const stop = await core().machines.stop({ who }, machine, { hard: true })
    const start = await core().machines.start({ who }, machine)
    const attach = await core().machines.attach({ who }, machine, volume)
    expect((await endOf(stop)).state).toBe("done")
    expect((await endOf(start)).state).toBe("done")
    expect(await host.topNode(machine, volume)).toBeNull()
    stream.end(bytesOf("new", MiB))
    right(await importing)
    expect((await endOf(attach)).state).toBe("done")
    expect(await making.peek(host, machine, 2)).toBe("new")
  })

  test("is not taken from its new machine by an old detach", async () => {
    const { who, host, making } = house.stage
    const { machine, extra } = await runningMachine(house.stage)
    const [image] = right(await core().images.list(who, { limit: 1 }))
    if (image === undefined) throw new Error("no image")
    const wish = { name: "m2", imageId: image.id }
    const second = await done(house.stage, core().machines.create({ who }, wish))
    const gate = Promise.withResolvers<void>()
    instead("reboot", () => gate.promise)
    const first = await core().machines.detach({ who }, machine, extra)
    const reboot = await core().machines.reboot({ who }, machine)
    const again = await core().machines.detach({ who }, machine, extra)
    await endOf(first)
    const attach = await core().machines.attach({ who }, second.id, extra)
    gate.resolve()
    for (const each of [reboot, again, attach]) expect((await endOf(each)).state).toBe("done")
    const row = await making.ledger.read.volumes.get(extra)
    expect(row).toMatchObject({ state: "in-use", machineId: second.id })
    expect(await host.topNode(second.id, extra)).not.toBeNull()
  })

  test("can be snapshotted before the machine has it", async () => {
    const { who } = house.stage
    const { machine } = await runningMachine(house.stage)
    const { volume } = await filledVolume(house.stage, "x")
    const source = { kind: "volume", id: volume } as const
    const snapshot = await core().snapshots.create({ who }, { name: "s", source })
    const attach = await core().machines.attach({ who }, machine, volume)
    expect((await endOf(snapshot)).state).toBe("done")
    expect((await endOf(attach)).state).toBe("done")
  })
})

test("a switch that was never recorded does not lend its instant to the next snapshot", async () => {
  const { who, host, making } = house.stage
  const { machine, extra } = await runningMachine(house.stage)
  // QEMU does as it is told, but hangs before it says so, and while the snapshot is taken back.
  const [switchDisks, look] = [host.switchDisks, host.look]
  instead("switchDisks", async (...given) => {
    await switchDisks.apply(host, given)
    instead("look", async () => "hung")
    throw new Error("no answer")
  })
  const source = { kind: "machine", id: machine } as const
  const first = await endOf(await core().snapshots.create({ who }, { name: "a", source }))
  expect(first.state).toBe("undone")
  instead("switchDisks", switchDisks)
  instead("look", look)
  await making.poke(host, machine, 1, "later")
  const second = await endOf(await core().snapshots.create({ who }, { name: "b", source }))
  expect(second.state).toBe("done")
  const { id } = second.resource as { id: SnapshotId }
  expect(await snapshotContent(house.stage, id, extra)).toBe("later")
})

describe("a machine", () => {
  test("that runs is not turned off by a start that fails", async () => {
    const { who, host } = house.stage
    const { machine } = await runningMachine(house.stage)
    instead("answers", async () => {
      throw new Error("no agent")
    })
    expect((await endOf(await core().machines.start({ who }, machine))).state).toBe("undone")
    expect(await host.look(machine)).toBe("running")
  })

  test("that hangs is rebooted by another process: it takes no orders", async () => {
    const { who, host } = house.stage
    const { machine } = await runningMachine(house.stage)
    const [look, stop] = [host.look, host.stop]
    let hangs = true
    instead("look", async (id) => (hangs ? "hung" : await look.call(host, id)))
    instead("reboot", async () => {
      throw new Error("no answer")
    })
    instead("stop", async (...given) => {
      hangs = false
      await stop.apply(host, given)
    })
    const rebooted = await endOf(await core().machines.reboot({ who }, machine, { hard: true }))
    expect([rebooted.state, await host.look(machine)]).toEqual(["done", "running"])
  })

  test.each(["start", "reboot"] as const)(
    "that is only slow to answer is not ended by a %s",
    async (verb) => {
      const { who, host } = house.stage
      const { machine } = await runningMachine(house.stage)
      const look = host.look
      let silent = 3
      instead("look", async (id) => (silent-- > 0 ? "hung" : await look.call(host, id)))
      instead("stop", async () => {
        throw new Error("it was ended")
      })
      expect((await endOf(await core().machines[verb]({ who }, machine))).state).toBe("done")
      expect(await host.look(machine)).toBe("running")
    },
  )

  test("that is being deleted stays so, whatever was queued before", async () => {
    const { who, making } = house.stage
    const { machine } = await runningMachine(house.stage)
    await done(house.stage, core().machines.stop({ who }, machine, { hard: true }))
    const gate = Promise.withResolvers<void>()
    instead("answers", () => gate.promise)
    await core().machines.start({ who }, machine)
    const removal = await core().machines.remove({ who }, machine)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await making.ledger.read.machines.get(machine))?.state).toBe("deleting")
    expect(faultOf(await core().machines.remove({ who }, machine))).toBe("not-found")
    gate.resolve()
    expect((await endOf(removal)).state).toBe("done")
  })

  test("does not keep others of its image waiting for its guest", async () => {
    const { who, making, service } = house.stage
    const imageId = await making.makeImage(service, who)
    const gate = Promise.withResolvers<void>()
    instead("answers", () => gate.promise)
    const create = (name: string) => core().machines.create({ who }, { name, imageId })
    const made = [await create("a"), await create("b"), await create("c")]
    await expect
      .poll(async () => {
        const rows = await making.ledger.read.machines.find({})
        return rows.filter(({ process }) => process !== null).length
      })
      .toBe(3)
    gate.resolve()
    for (const each of made) expect((await endOf(each)).state).toBe("done")
  })
})

test("what is stuck keeps what it holds, until the doctor lets it go on", async () => {
  const { who } = house.stage
  const { machine } = await runningMachine(house.stage)
  const real = instead("stop", async () => {
    throw new Error("it will not stop")
  })
  const stop = await endOf(await core().machines.stop({ who }, machine, { hard: true }))
  expect(stop.state).toBe("stuck")
  expect(faultOf(await core().machines.reboot({ who }, machine))).toBe("in-use")
  instead("stop", real)
  right(await core().house.doctor(who, { fix: true, rebuild: false }))
  await house.stage.service.executor.idle()
  expect(right(await core().machines.get(who, machine)).state).toBe("stopped")
})

test("a head that went back to a snapshot deleted since stands on that one's parent", async () => {
  const { who, making } = house.stage
  const volume = await volumeOf(who)
  const parent = await snapshotOf(who, volume.id, "parent")
  const child = await snapshotOf(who, volume.id, "child")
  const stream = new PassThrough()
  const source = { format: "raw", stream, lengthBytes: MiB } as const
  const importing = core().volumes.importFrom({ who }, volume.id, source)
  await expect.poll(() => making.ledger.read.operations.holding(volume.id)).toHaveLength(1)
  const revert = await core().volumes.revert({ who }, volume.id, child.id)
  const removal = await core().snapshots.remove({ who }, child.id)
  stream.end(bytesOf("new", MiB))
  right(await importing)
  for (const each of [revert, removal]) expect((await endOf(each)).state).toBe("done")
  const next = await snapshotOf(who, volume.id, "next")
  expect(right(await core().snapshots.get(who, next.id)).parentId).toBe(parent.id)
  expect(await contentOf(house.stage, volume.id)).toBe("")
})

test("many slow uploads keep nobody's quick work waiting", async () => {
  const { who } = house.stage
  const streams = []
  for (let i = 0; i < 40; i += 1) {
    const { id } = await volumeOf(who, `slow${i}`)
    const stream = new PassThrough()
    const upload = { format: "raw", stream, lengthBytes: MiB } as const
    streams.push({ stream, ended: core().volumes.importFrom({ who }, id, upload) })
  }
  await volumeOf(who, "quick")
  for (const { stream } of streams) stream.destroy()
  for (const { ended } of streams) expect(faultOf(await ended)).toBe("interrupted")
})

test("a command asked for twice at once under one key is run once", async () => {
  const { who, host } = house.stage
  const { machine } = await runningMachine(house.stage)
  let runs = 0
  const real = host.exec
  instead("exec", async (...given) => {
    runs += 1
    return await real.apply(host, given)
  })
  const asking = { who, repeat: { key: "k", requestHash: "h" } }
  const wish = { argv: ["read", "1", "0", "3"] }
  const [one, two] = await Promise.all([
    core().machines.exec(asking, machine, wish),
    core().machines.exec(asking, machine, wish),
  ])
  expect(right(one).stdout.toString()).toBe(right(two).stdout.toString())
  expect(runs).toBe(1)
})

test("an operation that a ledger's failure left behind goes on by itself", async () => {
  const { who, making } = house.stage
  const real = making.ledger.fenced
  let failures = 1
  making.ledger.fenced = async (...given: never[]) => {
    if (failures-- > 0) throw new Error("the disk is full")
    return await (real as (...given: never[]) => Promise<never>)(...given)
  }
  const made = await core().volumes.create({ who }, { name: "v", sizeBytes: MiB })
  await making.ledger.expireLeases((await making.ledger.setting("node")) ?? "")
  expect((await endOf(made)).state).toBe("done")
})
