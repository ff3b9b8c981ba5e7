/** What a guest has in its memory, kept at one instant with its disks. */
import { expect, test } from "vitest"
import { newId, type SnapshotId } from "../domain/ids.ts"
import type { HostProcess } from "../domain/machine.ts"
import type { KeptMemory, MemoryWatch } from "./host.ts"
import { at, bootMs, first, type HostRig, type Rig, running } from "./host-rig.suite.ts"

const from = ({ process }: { process: HostProcess }, snapshot: SnapshotId): KeptMemory => ({
  snapshot,
  keptUnder: process.accelerator,
})

const watch: MemoryWatch = { progress: () => {}, signal: new AbortController().signal }

export function memoryStories(rig: Rig): void {
  test("a machine goes on from the instant its memory was kept at", async () => {
    const one = await running(rig(), 1)
    const { id, hardware, order } = one
    const boot = await rig().boot(id)
    await rig().remember(id, "then")
    await rig().write(id, first, 0, "then")
    const { memory, capture } = await captured(rig(), one)
    expect(capture.running).toBe(capture.note === null)
    expect(capture.skewMs).toBe(0)
    const { bytes } = await rig().host.keepMemory(id, memory, watch)
    expect(bytes).toBeGreaterThan(0)
    expect((await rig().host.memories()).get(memory)).toBe(bytes)

    await rig().remember(id, "later")
    await rig().write(id, first, 0, "late")
    await rig().host.stop(id, 0)
    for (const attempt of ["one", "two"]) {
      const disks = await Promise.all(
        order.disks.map(async ({ slot, graph }) => ({ slot, graph: await rig().grow(graph) })),
      )
      await rig().host.start({ ...order, hardware, disks, memory: from(one, memory) })
      await rig().host.answers(id, bootMs)
      expect(await rig().host.look(id)).toBe("running")
      expect(await rig().recall(id)).toBe("then")
      expect(await rig().read(id, first, 0, 4)).toBe("then")
      expect(await rig().boot(id)).toBe(boot)
      await rig().remember(id, attempt)
      await rig().write(id, first, 0, attempt)
      await rig().host.stop(id, 0)
    }
  })

  test("the guest runs on, or stands still no longer than its memory is written", async () => {
    const one = await running(rig(), 1)
    const { memory, capture } = await captured(rig(), one)
    if (!capture.running) {
      expect(await rig().host.look(one.id)).toBe("paused")
      expect(await rig().host.standstill(one.id)).toBe("held")
    }
    await rig().host.keepMemory(one.id, memory, watch)
    expect(await rig().host.look(one.id)).toBe("running")
    expect(await rig().host.standstill(one.id)).toBe(null)
    await rig().write(one.id, first, 0, "on")
  })

  test("what is being kept, and what was, is found by the next who asks", async () => {
    const one = await running(rig(), 1)
    const { id, process } = one
    const { memory } = await captured(rig(), one)
    const host = await rig().restart()
    await host.adopt([{ id, process }])
    const { bytes } = await host.keepMemory(id, memory, watch)
    expect(await host.keepMemory(id, memory, watch)).toEqual({ bytes })
    await host.stop(id, 0)
    expect(await host.keepMemory(id, memory, watch)).toEqual({ bytes })
    const next = await rig().restart()
    expect(await next.memories()).toEqual(new Map([[memory, bytes]]))
  })

  test("capturing tells how far it is, up to all of it", async () => {
    const one = await running(rig())
    const { memory } = await captured(rig(), one)
    const seen: [number, number][] = []
    const progress = (done: number, total: number) => void seen.push([done, total])
    await rig().host.keepMemory(one.id, memory, { ...watch, progress })
    expect(seen.length).toBeGreaterThan(0)
    for (const [done, total] of seen) expect(done).toBeLessThanOrEqual(total)
  })

  test("a released guest goes on, whatever becomes of its memory", async () => {
    const one = await running(rig(), 1)
    const { memory } = await captured(rig(), one)
    await rig().host.release(one.id)
    expect(await rig().host.look(one.id)).toBe("running")
    await rig().write(one.id, first, 0, "on")
    await rig().host.dropMemory(memory)
    await rig().write(one.id, first, 0, "and on")
    expect(await rig().read(one.id, first, 0, 6)).toBe("and on")
    expect(await rig().host.memories()).toEqual(new Map())
  })

  test("a memory is dropped, once and again, and cannot be gone on from", async () => {
    const one = await running(rig())
    const { memory } = await captured(rig(), one)
    await rig().host.keepMemory(one.id, memory, watch)
    await rig().host.stop(one.id, 0)
    await rig().host.dropMemory(memory)
    await rig().host.dropMemory(memory)
    expect(await rig().host.memories()).toEqual(new Map())
    await expect(rig().host.keepMemory(one.id, memory, watch)).rejects.toThrow()
    const graph = await rig().grow(at(one.order.disks, 0).graph)
    const order = { ...one.order, hardware: one.hardware, disks: [{ slot: 0, graph }] }
    await expect(rig().host.start({ ...order, memory: from(one, memory) })).rejects.toThrow()
    expect(await rig().host.look(one.id)).toBe("gone")
  })

  test("a capture whose disks cannot be switched keeps nothing, and the guest goes on", async () => {
    const { id, disks } = await running(rig(), 1)
    const memory = newId<"snapshot">()
    const to = await rig().overlay(at(disks, 0))
    const wrong = [{ ...to, from: "x", to: "y" }]
    await expect(rig().host.captureMemory(id, memory, wrong)).rejects.toThrow()
    expect(await rig().host.look(id)).toBe("running")
    expect(await rig().host.topNode(id, at(disks, 0).volume)).toBe(at(disks, 0).top)
    await rig().host.dropMemory(memory)
    expect(await rig().host.memories()).toEqual(new Map())
    await rig().write(id, first, 0, "on")
  })

  test("a machine that was killed in its course has its memory whole or not at all", async () => {
    const one = await running(rig())
    const { memory } = await captured(rig(), one)
    await rig().kill(one.id, one.process)
    const kept = await rig()
      .host.keepMemory(one.id, memory, watch)
      .then(
        () => true,
        () => false,
      )
    const graph = await rig().grow(at(one.order.disks, 0).graph)
    const order = { ...one.order, hardware: one.hardware, disks: [{ slot: 0, graph }] }
    const started = rig().host.start({ ...order, memory: from(one, memory) })
    if (!kept) return await expect(started).rejects.toThrow()
    await started
    await rig().host.answers(one.id, bootMs)
  })
}

/** All its disks are switched with it. */
async function captured(rig: HostRig, { id, order }: Awaited<ReturnType<typeof running>>) {
  const memory: SnapshotId = newId<"snapshot">()
  const switches = await Promise.all(order.disks.map(({ graph }) => rig.overlay(graph)))
  return { memory, capture: await rig.host.captureMemory(id, memory, switches) }
}
