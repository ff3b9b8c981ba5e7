/** The disks of a running machine: attached, let go of, and switched. */
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { newId, type VolumeId } from "../domain/ids.ts"
import { at, bootMs, first, type Rig, running, second } from "./host-rig.suite.ts"

export function diskStories(rig: Rig): void {
  test("a disk attached to a running machine keeps its bytes from one slot to another", async () => {
    const { id } = await running(rig())
    const graph = await rig().volume()
    await rig().host.attach(id, first, graph)
    await rig().host.attach(id, first, graph)
    expect(await rig().host.topNode(id, graph.volume)).toBe(graph.top)
    expect(await rig().isFree(graph.top)).toBe(false)
    await rig().write(id, first, 4096, "travels")
    await rig().host.detach(id, first, graph.volume)
    expect(await rig().isFree(graph.top)).toBe(true)
    expect(await rig().host.topNode(id, graph.volume)).toBe(null)
    await rig().host.detach(id, first, graph.volume)
    await rig().host.attach(id, second, graph)
    expect(await rig().read(id, second, 4096, 7)).toBe("travels")
  })

  test("a disk is not put into a slot that holds another", async () => {
    const { id, disks } = await running(rig(), 1)
    await expect(rig().host.attach(id, first, await rig().volume())).rejects.toThrow("holds")
    expect(await rig().host.topNode(id, at(disks, 0).volume)).toBe(at(disks, 0).top)
  })

  test("a disk that was switched is let go of with all of its chain", async () => {
    const { id, disks } = await running(rig(), 2)
    const [gone, stays] = [at(disks, 0), at(disks, 1)]
    const to = await rig().overlay(gone)
    await rig().host.switchDisks(id, [to])
    await rig().host.detach(id, first, gone.volume)
    expect(await rig().isFree(gone.top)).toBe(true)
    expect(await rig().isFree(to.to)).toBe(true)
    expect(await rig().isFree(stays.top)).toBe(false)
    await rig().write(id, second, 0, "still here")
    expect(await rig().read(id, second, 0, 10)).toBe("still here")
  })

  test("disks that stand on the same storage are started together", async () => {
    const order = await rig().machine()
    const shared = await rig().volume()
    const one = await rig().grow(shared)
    const two = await rig().grow({ ...shared, volume: newId<"volume">() })
    const extra = [one, two].map((graph, index) => ({ slot: first + index, graph }))
    await rig().host.start({ ...order, disks: [...order.disks, ...extra] })
    await rig().host.answers(order.machine, bootMs)
    await rig().write(order.machine, first, 0, "one")
    await rig().write(order.machine, second, 0, "two")
    expect(await rig().read(order.machine, first, 0, 3)).toBe("one")
    await rig().host.detach(order.machine, first, one.volume)
    expect(await rig().isFree(one.top)).toBe(true)
    expect(await rig().isFree(shared.top)).toBe(false)
    expect(await rig().read(order.machine, second, 0, 3)).toBe("two")
  })

  test("the machine has no disk that it was not given", async () => {
    const { id } = await running(rig(), 1)
    expect(await rig().host.topNode(id, newId<"volume">() as VolumeId)).toBe(null)
  })
}

export function switchStories(rig: Rig): void {
  test("a switch keeps what was written before it and takes what is written after", async () => {
    const { id, disks } = await running(rig(), 1)
    const disk = at(disks, 0)
    await rig().write(id, first, 0, "old")
    const to = await rig().overlay(disk)
    const facts = await rig().host.switchDisks(id, [to])
    expect(facts.skewMs).toBe(0)
    expect(await rig().host.topNode(id, disk.volume)).toBe(to.to)
    await rig().write(id, first, 0, "new")
    expect(await rig().read(id, first, 0, 3)).toBe("new")
    expect(await rig().stored(disk.top, 0, 3)).toBe("old")
  })

  test("switching twice is switching once", async () => {
    const { id, disks } = await running(rig(), 2)
    const one = await rig().overlay(at(disks, 0))
    const two = await rig().overlay(at(disks, 1))
    await rig().host.switchDisks(id, [one])
    await rig().write(id, first, 0, "after one")
    // As after a crash in the middle: one of the two is done already.
    await rig().host.switchDisks(id, [one, two])
    await rig().host.switchDisks(id, [one, two])
    expect(await rig().read(id, first, 0, 9)).toBe("after one")
    expect(await rig().host.topNode(id, at(disks, 0).volume)).toBe(one.to)
    expect(await rig().host.topNode(id, at(disks, 1).volume)).toBe(two.to)
  })

  test("two disks switched while the guest writes show one instant", async () => {
    const { id, disks } = await running(rig(), 2)
    await rig().count(id)
    let tops = disks.map(({ top }) => top)
    for (let round = 0; round < 4; round += 1) {
      await sleep(150)
      const now = disks.map((disk, index) => ({ ...disk, top: tops[index] ?? "" }))
      const switches = [await rig().overlay(at(now, 0)), await rig().overlay(at(now, 1))]
      await rig().host.switchDisks(id, switches)
      const numbers = async () =>
        Promise.all(tops.map(async (top) => Number(await rig().stored(top, 0, 8))))
      const [a = Number.NaN, b = Number.NaN] = await numbers()
      expect(a).toBeGreaterThan(0)
      // The first disk is written first, so it may be one ahead and never behind.
      expect([0, 1]).toContain(a - b)
      await sleep(50)
      expect(await numbers()).toEqual([a, b])
      tops = switches.map(({ to }) => to)
    }
  })

  test("an engine's own work is done once the actions are, and the guest goes on", async () => {
    const { id, disks } = await running(rig(), 1)
    const to = await rig().overlay(at(disks, 0))
    const seen: string[] = []
    const whileStopped = async () => {
      seen.push(await rig().stored(at(disks, 0).top, 0, 2))
    }
    await rig().write(id, first, 0, "at")
    await rig().host.switchDisks(id, [{ ...to, whileStopped }])
    expect(seen).toEqual(["at"])
    expect(await rig().host.look(id)).toBe("running")
    await rig().write(id, first, 0, "go")
  })

  test("a disk that is on neither end of the switch is an error and changes nothing", async () => {
    const { id, disks } = await running(rig(), 1)
    const to = await rig().overlay(at(disks, 0))
    await expect(rig().host.switchDisks(id, [{ ...to, from: "x", to: "y" }])).rejects.toThrow()
    expect(await rig().host.topNode(id, at(disks, 0).volume)).toBe(at(disks, 0).top)
  })
}
