/** Guests held still for an instant, and let go of. */
import { expect, test } from "vitest"
import { at, bootMs, exec, first, type Rig, running } from "./host-rig.suite.ts"

const refused = { fault: { kind: "unavailable", remedy: expect.stringContaining("frozen") } }

export function freezeStories(rig: Rig): void {
  test("a frozen guest runs no commands until it is released", async () => {
    const { id } = await running(rig())
    const { host } = rig()
    expect(await host.freeze(id)).toBeGreaterThan(0)
    await expect(host.exec(id, ["true"], exec)).rejects.toMatchObject(refused)
    expect(await host.look(id)).toBe("running")
    expect(await host.release(id)).toBeGreaterThan(0)
    expect(await host.release(id)).toBe(0)
    expect(await host.exec(id, ["no-such-command"], exec)).toMatchObject({ exitCode: 127 })
  })

  test("freezing twice is freezing once", async () => {
    const { id } = await running(rig())
    const frozen = await rig().host.freeze(id)
    expect(await rig().host.freeze(id)).toBe(frozen)
    expect(await rig().host.release(id)).toBe(frozen)
  })

  test("disks of a frozen guest are switched, and it writes to the new ones afterwards", async () => {
    const { id, disks } = await running(rig(), 1)
    const disk = at(disks, 0)
    await rig().write(id, first, 0, "old")
    await rig().host.freeze(id)
    await rig().host.switchDisks(id, [await rig().overlay(disk)])
    await rig().host.release(id)
    await rig().write(id, first, 0, "new")
    expect(await rig().stored(disk.top, 0, 3)).toBe("old")
  })

  test("the one who froze it may be gone: after a restart it is released all the same", async () => {
    const { id, process } = await running(rig())
    const frozen = await rig().host.freeze(id)
    const host = await rig().restart()
    await host.adopt([{ id, process }])
    await expect(host.exec(id, ["true"], exec)).rejects.toMatchObject(refused)
    expect(await host.release(id)).toBe(frozen)
    await rig().remember(id, "it goes on")
  })

  test("a reboot ends the freeze", async () => {
    const { id } = await running(rig())
    await rig().host.freeze(id)
    await rig().host.reboot(id, 0)
    await rig().host.answers(id, bootMs)
    expect(await rig().host.release(id)).toBe(0)
    await rig().remember(id, "anew")
  })

  test("a guest that cannot freeze stays as it was", async () => {
    const { id } = await running(rig())
    await rig().silence(id)
    await expect(rig().host.freeze(id)).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    expect(await rig().host.look(id)).toBe("running")
    expect(await rig().host.release(id)).toBe(0)
    expect(await rig().host.look(id)).toBe("running")
  })

  test("a machine that is off is not frozen, and there is nothing to release", async () => {
    const { machine } = await rig().machine()
    await expect(rig().host.freeze(machine)).rejects.toMatchObject({
      fault: { kind: "wrong-state", id: machine },
    })
    expect(await rig().host.release(machine)).toBe(0)
  })

  test("one that does not answer is to be asked again", async () => {
    const { id, process } = await running(rig())
    await rig().freeze(id, process)
    await expect(rig().host.release(id)).rejects.toMatchObject({ fault: { kind: "timeout" } })
    await rig().thaw(id, process)
    expect(await rig().host.release(id)).toBe(0)
  })
}

export function standstillStories(rig: Rig): void {
  test("a guest that runs does not stand still, and going on leaves it as it is", async () => {
    const { id } = await running(rig())
    const boot = await rig().boot(id)
    expect(await rig().host.standstill(id)).toBe(null)
    await rig().host.goOn(id)
    await rig().host.release(id)
    expect(await rig().boot(id)).toBe(boot)
    await rig().host.stop(id, 0)
    expect(await rig().host.standstill(id)).toBe(null)
    await rig().host.goOn(id)
  })

  test("one that was stopped is held until it is released, not until there is space", async () => {
    const { id } = await running(rig())
    await rig().halt(id)
    expect(await rig().host.look(id)).toBe("paused")
    expect(await rig().host.standstill(id)).toBe("held")
    await rig().host.goOn(id)
    expect(await rig().host.look(id)).toBe("paused")
    await expect(rig().host.freeze(id)).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    expect(await rig().host.release(id)).toBe(0)
    expect(await rig().host.look(id)).toBe("running")
    expect(await rig().host.standstill(id)).toBe(null)
    await rig().remember(id, "it goes on")
  })
}
