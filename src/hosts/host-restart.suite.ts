/** Machines outlive us, and their end is told. */
import { expect, test } from "vitest"
import { type MachineId, newId } from "../domain/ids.ts"
import { at, bootMs, exec, first, type Rig, running } from "./host-rig.suite.ts"

export function restartStories(rig: Rig): void {
  test("a restart of ours is not noticed by the guest", async () => {
    const { id, process, disks } = await running(rig(), 1)
    const boot = await rig().boot(id)
    await rig().write(id, first, 0, "old")
    const host = await rig().restart()
    const others = newId<"machine">()
    const known = [id, others].map((one) => ({ id: one, process }))
    expect(await host.adopt(known)).toEqual([id])
    expect(await host.look(id)).toBe("running")
    expect(await rig().boot(id)).toBe(boot)
    const to = await rig().overlay(at(disks, 0))
    await host.switchDisks(id, [to])
    expect(await rig().stored(at(disks, 0).top, 0, 3)).toBe("old")
  })

  test("one of us that has closed keeps nobody from a machine, whatever it is asked", async () => {
    const { id, process } = await running(rig())
    const boot = await rig().boot(id)
    const before = rig().host
    const host = await rig().restart()
    await before.look(id).catch(() => {})
    expect(await host.adopt([{ id, process }])).toEqual([id])
    expect(await rig().boot(id)).toBe(boot)
  })

  test("a start that nobody wrote down is found by the next one", async () => {
    const { id, order, process, hardware } = await running(rig())
    const boot = await rig().boot(id)
    const host = await rig().restart()
    expect(await host.start(order)).toEqual({ process, hardware })
    expect(await rig().boot(id)).toBe(boot)
  })

  test("a machine that ended while nobody watched is not adopted", async () => {
    const { id, process } = await running(rig())
    await rig().host.close()
    await rig().kill(id, process)
    const host = await rig().restart()
    expect(await host.adopt([{ id, process }])).toEqual([])
    expect(await host.look(id)).toBe("gone")
  })
}

export function exitStories(rig: Rig): void {
  const exits = () => {
    const seen: { id: MachineId; why: string }[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    rig().host.onExit((id, why) => {
      seen.push({ id, why })
      resolve()
    })
    return { seen, told: promise }
  }

  test("a killed machine is told of, once", async () => {
    const { id, process, order } = await running(rig())
    const { seen, told } = exits()
    await rig().kill(id, process)
    await told
    expect(seen).toEqual([{ id, why: expect.any(String) }])
    expect(await rig().host.look(id)).toBe("gone")
    await rig().host.start(order)
    await rig().host.answers(id, bootMs)
    expect(seen).toHaveLength(1)
  })

  test("a guest that powers itself off is told of, with the reason", async () => {
    const { id } = await running(rig())
    const { seen, told } = exits()
    // Its agent may be gone before it has said that the command ended.
    await rig()
      .host.exec(id, ["poweroff"], exec)
      .catch(() => {})
    await told
    expect(seen).toEqual([{ id, why: "the guest powered off" }])
  })

  test("an adopted machine is told of too, and one we stopped is not", async () => {
    const one = await running(rig())
    const two = await running(rig())
    const host = await rig().restart()
    await host.adopt([one, two].map(({ id, process }) => ({ id, process })))
    const { seen, told } = exits()
    await host.stop(one.id, 0)
    await rig().kill(two.id, two.process)
    await told
    expect(seen.map(({ id }) => id)).toEqual([two.id])
  })

  test("a process that lives and does not answer is hung", async () => {
    const { id, process } = await running(rig())
    await rig().freeze(id, process)
    expect(await rig().host.look(id)).toBe("hung")
    await rig().thaw(id, process)
    expect(await rig().host.look(id)).toBe("running")
    await rig().freeze(id, process)
    await rig().host.stop(id, 0)
    expect(await rig().host.look(id)).toBe("gone")
  })
}
