/** Starting a machine, and its power button. */
import { expect, test } from "vitest"
import { bootMs, exec, first, type Rig, running } from "./host-rig.suite.ts"

const politeMs = 30_000

export function startStories(rig: Rig): void {
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

export function powerStories(rig: Rig): void {
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
