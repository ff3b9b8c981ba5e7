/** A running machine kept with its memory, and going on from it, on real ones. */
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { bootMs } from "../../src/hosts/host-rig.suite.ts"
import {
  allowUserfaults,
  type CountingGuest,
  countingGuest,
  countsOn,
  forbidBackground,
  memoryFiles,
  nextSwitch,
  onMemoryMonitor,
  openMemories,
  restoring,
  shell,
  watching,
  whatWentWrong,
} from "../fixtures/counting-guest.ts"
import { type VmRig, vmRig } from "../fixtures/host-rigs.ts"

let rig: VmRig
beforeAll(async () => {
  await allowUserfaults()
  rig = await vmRig()
})
afterAll(() => rig.end())

/** Restored as often as one likes, it finds itself at that instant, and its disks with it. */
async function goesOnFrom(
  guest: CountingGuest,
  { memory, points }: Awaited<ReturnType<typeof nextSwitch>>,
): Promise<void> {
  const { host } = rig
  const { machine, order } = guest
  await host.stop(machine, 0)
  for (let time = 1; time <= 3; time += 1) {
    const { process } = await host.start(await restoring(rig, order, points, memory))
    expect(await host.look(machine)).toBe("running")
    // No boot: it is up the moment it runs.
    expect(await shell(host, machine, "ls /run/after 2>/dev/null || echo never")).toBe("never\n")
    await countsOn(host, machine)
    expect(await whatWentWrong(host, machine)).toBe("")
    expect(await openMemories(process)).toEqual([])
    await shell(host, machine, "echo after > /run/after; echo back again > /dev/console")
    expect((await host.console(machine, 4096)).toString()).toContain("back again")
    await host.stop(machine, 0)
  }
}

describe("a guest that counts, kept with its memory", () => {
  test("goes on counting while it is kept, and from there whenever it is restored", async () => {
    const guest = await countingGuest(rig)
    const { host } = rig
    const { machine } = guest
    const next = await nextSwitch(rig, guest)
    const captured = await host.captureMemory(machine, next.memory, next.switches)
    expect(captured).toMatchObject({ running: true, note: null, skewMs: 0 })
    expect(captured.pauseMs).toBeGreaterThan(0)
    await shell(host, machine, "echo after > /run/after")
    const told: [number, number][] = []
    const watch = watching((done, total) => void told.push([done, total]))
    const { bytes } = await host.keepMemory(machine, next.memory, watch)
    for (const [done, total] of told) expect(done).toBeLessThanOrEqual(total)
    expect(told.at(-1)?.[0]).toBe(told.at(-1)?.[1])
    await countsOn(host, machine, 20)
    expect(await whatWentWrong(host, machine)).toBe("")
    expect(await host.memories()).toEqual(new Map([[next.memory, bytes]]))
    expect(await host.keepMemory(machine, next.memory, watching())).toEqual({ bytes })
    await goesOnFrom(guest, next)
    await host.dropMemory(next.memory)
    await host.dropMemory(next.memory)
    expect(await memoryFiles(rig)).toEqual([])
  })

  test("stands still until it is kept where QEMU cannot let it run on, and then goes on", async () => {
    const guest = await countingGuest(rig)
    const { host } = rig
    const { machine } = guest
    await forbidBackground(rig, guest)
    const next = await nextSwitch(rig, guest)
    const captured = await host.captureMemory(machine, next.memory, next.switches)
    expect(captured).toMatchObject({ running: false, note: expect.stringContaining("release-ram") })
    expect(await host.look(machine)).toBe("paused")
    await host.keepMemory(machine, next.memory, watching())
    expect(await host.look(machine)).toBe("running")
    await shell(host, machine, "echo after > /run/after")
    await countsOn(host, machine)
    expect(await whatWentWrong(host, machine)).toBe("")
    await goesOnFrom(guest, next)
    await host.dropMemory(next.memory)
  })

  test("is kept twice, one after the other, each with an instant of its own", async () => {
    const guest = await countingGuest(rig)
    const { host } = rig
    const { machine } = guest
    const first = await nextSwitch(rig, guest)
    await host.captureMemory(machine, first.memory, first.switches)
    const captured = await host.captureMemory(machine, first.memory, first.switches)
    expect(captured).toMatchObject({ running: true, note: null })
    await host.keepMemory(machine, first.memory, watching())
    await shell(host, machine, "echo after > /run/after")
    const second = await nextSwitch(rig, guest)
    await host.captureMemory(machine, second.memory, second.switches)
    await host.keepMemory(machine, second.memory, watching())
    expect((await host.memories()).size).toBe(2)
    await goesOnFrom(guest, first)
    await host.dropMemory(first.memory)
    await host.dropMemory(second.memory)
  })

  test("takes no more of the disk than what was written", async () => {
    const guest = await countingGuest(rig)
    const { host } = rig
    const next = await nextSwitch(rig, guest)
    await host.captureMemory(guest.machine, next.memory, next.switches)
    const { bytes } = await host.keepMemory(guest.machine, next.memory, watching())
    const { size, blocks } = await stat(join(rig.dataDir, "memory", `${next.memory}.mem`))
    expect(blocks * 512).toBe(bytes)
    expect(bytes).toBeLessThan(size + 65_536)
    await host.dropMemory(next.memory)
    await host.stop(guest.machine, 0)
  })
})

describe("the doctor", () => {
  const said = async () =>
    (await rig.host.examine([])).filter(({ what }) => what.includes("stand still"))

  test("has nothing to say where guests run on while their memory is written", async () => {
    expect(await said()).toEqual([])
  })

  test("says why they cannot, where they cannot", async () => {
    const bin = await mkdtemp(join(tmpdir(), "tintype-acted-"))
    const qemu = join(bin, "qemu-system-x86_64")
    const refusal = '{"error": {"class": "GenericError", "desc": "the kernel is too old"}}'
    await writeFile(qemu, `#!/bin/sh\necho '{"QMP": {}}'; echo '${refusal}'\n`)
    await chmod(qemu, 0o755)
    await chmod(bin, 0o755)
    vi.stubEnv("PATH", `${bin}:${process.env["PATH"]}`)
    try {
      expect(await said()).toEqual([
        { severity: "note", what: expect.stringContaining("the kernel is too old"), remedy: null },
      ])
    } finally {
      vi.unstubAllEnvs()
      await rm(bin, { recursive: true })
    }
  })
})

describe("a start from a memory", () => {
  test("that is not kept is refused", async () => {
    const order = await rig.machine()
    const start = rig.host.start({
      ...order,
      memory: { snapshot: newId<"snapshot">(), keptUnder: null },
    })
    await expect(start).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    expect(await rig.host.look(order.machine)).toBe("gone")
  })

  test("that does not fit the machine leaves nothing running, and says what QEMU said", async () => {
    const guest = await countingGuest(rig)
    const { host } = rig
    const { machine, order } = guest
    const { memory, switches, points } = await nextSwitch(rig, guest)
    await host.captureMemory(machine, memory, switches)
    await host.keepMemory(machine, memory, watching())
    await host.stop(machine, 0)
    const grown = await restoring(rig, order, points, memory)
    const larger = { ...order.hardware, memoryMiB: order.hardware.memoryMiB * 2 }
    await expect(host.start({ ...grown, hardware: larger })).rejects.toMatchObject({
      fault: { kind: "unavailable", remedy: expect.stringMatching(/pc.ram/) },
    })
    expect(await host.look(machine)).toBe("gone")
    await host.start(grown)
    await countsOn(host, machine)
    expect(await whatWentWrong(host, machine)).toBe("")
    await host.stop(machine, 0)
    await host.dropMemory(memory)
  })

  test("that was interrupted before the guest went on is brought to its end", async () => {
    const guest = await countingGuest(rig)
    const { machine, order } = guest
    const { memory, switches, points } = await nextSwitch(rig, guest)
    await rig.host.captureMemory(machine, memory, switches)
    await rig.host.keepMemory(machine, memory, watching())
    await rig.host.stop(machine, 0)
    const grown = await restoring(rig, order, points, memory)
    const { process } = await rig.host.start(grown)
    // As if we had died when it was loaded, and not yet told to go on.
    await onMemoryMonitor(rig, machine, (qmp) => qmp.execute("stop"))
    const host = await rig.restart()
    expect((await host.start(grown)).process).toEqual(process)
    await host.answers(machine, bootMs)
    await countsOn(host, machine)
    await host.stop(machine, 0)
    await host.dropMemory(memory)
  })
})
