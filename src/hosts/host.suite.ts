/** What every host promises, as stories; each runs on a machine of its own. */
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { DiskGraph } from "../domain/disk.ts"
import { type MachineId, newId, type VolumeId } from "../domain/ids.ts"
import type { ExecOptions } from "./host.ts"
import type { HostRig } from "./host-rig.suite.ts"

const bootMs = 60_000
const politeMs = 30_000
const exec: ExecOptions = { waitForAgentMs: bootMs, timeoutMs: 30_000, maxOutputBytes: 65_536 }

export function hostSuite(name: string, make: () => Promise<HostRig>): void {
  describe(`a host of kind ${name}`, () => {
    let rig: HostRig
    beforeEach(async () => {
      rig = await make()
    })
    afterEach(() => rig.end())

    startStories(() => rig)
    powerStories(() => rig)
    diskStories(() => rig)
    switchStories(() => rig)
    restartStories(() => rig)
    exitStories(() => rig)
  })
}

type Rig = () => HostRig

/** A machine that is up, with as many extra disks, from slot 1 on. */
async function running(rig: HostRig, extraDisks = 0) {
  const order = await rig.machine()
  const disks: DiskGraph[] = []
  for (let slot = 1; slot <= extraDisks; slot += 1) disks.push(await rig.volume())
  const extra = disks.map((graph, index) => ({ slot: index + 1, graph }))
  const full = { ...order, disks: [...order.disks, ...extra] }
  const started = await rig.host.start(full)
  await rig.host.answers(order.machine, bootMs)
  return { ...started, id: order.machine, order: full, disks }
}

const [first, second] = [1, 2]
const at = <T>(list: readonly T[], index: number): T => {
  const one = list[index]
  if (one === undefined) throw new Error(`nothing at ${index}`)
  return one
}

function startStories(rig: Rig): void {
  test("starting twice is starting once", async () => {
    const { id, order, process, hardware } = await running(rig())
    const boot = await rig().boot(id)
    expect(await rig().host.start(order)).toEqual({ process, hardware })
    expect(await rig().boot(id)).toBe(boot)
    expect(await rig().host.look(id)).toBe("running")
  })

  test("a start fills in what the hardware left open, and keeps what it did not", async () => {
    const { hardware, order, id } = await running(rig())
    expect(hardware).toMatchObject({ memoryMiB: order.hardware.memoryMiB, cpus: 1 })
    expect(hardware.machineType).toMatch(/\d/)
    expect(hardware.cpuModel).toMatch(/\d/)
    await rig().host.stop(id, 0)
    expect((await rig().host.start({ ...order, hardware })).hardware).toEqual(hardware)
  })

  test("an order without disks finds a running machine and starts no other", async () => {
    const { id, order, process } = await running(rig())
    expect((await rig().host.start({ ...order, disks: [] })).process).toEqual(process)
    await rig().host.stop(id, 0)
    await expect(rig().host.start({ ...order, disks: [] })).rejects.toMatchObject({
      fault: { kind: "wrong-state", id },
    })
    expect(await rig().host.look(id)).toBe("gone")
  })

  test("what a machine that is off cannot do is refused as its state", async () => {
    const { machine } = await rig().machine()
    const refused = { fault: { kind: "wrong-state", id: machine, is: "stopped" } }
    const { host } = rig()
    expect(await host.look(machine)).toBe("gone")
    await expect(host.answers(machine, 100)).rejects.toMatchObject(refused)
    await expect(host.exec(machine, ["true"], exec)).rejects.toMatchObject(refused)
    await expect(host.reboot(machine, 0)).rejects.toMatchObject(refused)
    await expect(host.attach(machine, 1, await rig().volume())).rejects.toMatchObject(refused)
    await expect(host.switchDisks(machine, [])).rejects.toMatchObject(refused)
  })

  test("what it prints on its console is kept, also when it is off", async () => {
    const { id } = await running(rig())
    await rig().host.stop(id, 0)
    const printed = await rig().host.console(id, 4096)
    expect(printed.length).toBeGreaterThan(4)
    expect(await rig().host.console(id, 4)).toEqual(printed.subarray(-4))
  })

  test("a command that does not exist ends with 127", async () => {
    const { id } = await running(rig())
    expect(await rig().host.exec(id, ["no-such-command"], exec)).toMatchObject({ exitCode: 127 })
  })
}

function powerStories(rig: Rig): void {
  test("a polite stop keeps what the guest wrote", async () => {
    const { id, order } = await running(rig(), 1)
    await rig().write(id, first, 512, "kept")
    await rig().host.stop(id, politeMs)
    expect(await rig().host.look(id)).toBe("gone")
    await rig().host.start(order)
    await rig().host.answers(id, bootMs)
    expect(await rig().read(id, first, 512, 4)).toBe("kept")
  })

  test("a hard stop pulls the plug, and stopping what is off is success", async () => {
    const { id } = await running(rig())
    await rig().host.stop(id, 0)
    expect(await rig().host.look(id)).toBe("gone")
    await rig().host.stop(id, 0)
    await rig().host.stop(id, politeMs)
  })

  for (const graceMs of [politeMs, 0]) {
    test(`a reboot with ${graceMs} ms of grace is a new boot of the same process`, async () => {
      const { id, order, process } = await running(rig(), 1)
      await rig().write(id, first, 0, "before")
      const boot = await rig().boot(id)
      await rig().host.reboot(id, graceMs)
      await rig().host.answers(id, bootMs)
      expect(await rig().boot(id)).not.toBe(boot)
      expect(await rig().read(id, first, 0, 6)).toBe("before")
      expect((await rig().host.start(order)).process).toEqual(process)
    })
  }

  test("discarding leaves nothing of the machine", async () => {
    const { id } = await running(rig())
    await expect(rig().host.discard(id)).rejects.toThrow("still runs")
    await rig().host.stop(id, 0)
    expect(await rig().leftovers(id)).not.toEqual([])
    await rig().host.discard(id)
    await rig().host.discard(id)
    expect(await rig().leftovers(id)).toEqual([])
  })
}

function diskStories(rig: Rig): void {
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

  test("the machine has no disk that it was not given", async () => {
    const { id } = await running(rig(), 1)
    expect(await rig().host.topNode(id, newId<"volume">() as VolumeId)).toBe(null)
  })
}

function switchStories(rig: Rig): void {
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
      const now = disks.map(({ volume }, index) => ({ volume, top: tops[index] ?? "" }))
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

function restartStories(rig: Rig): void {
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

function exitStories(rig: Rig): void {
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
    await rig().host.exec(id, ["poweroff"], exec)
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
