/** Disks that come to stand on other storage while the guest uses them. */
import { expect, test } from "vitest"
import type { DiskGraph } from "../domain/disk.ts"
import type { MachineId } from "../domain/ids.ts"
import { at, first, type HostRig, type Rig, running, second } from "./host-rig.suite.ts"

const apartBytes = 65_536

export function restackStories(rig: Rig): void {
  test("a disk moves to what took the place of its storage, and the guest sees no change", async () => {
    const { id, disks } = await running(rig(), 1)
    const { frozen, head } = await grown(rig(), id, at(disks, 0), 3)
    const [l0, ...run] = frozen
    const restack = await rig().consolidate(run, l0 ?? null, head)
    await rig().host.restack(restack)
    expect(await contents(rig(), id, 4)).toEqual(["in 0", "in 1", "in 2", "in 3"])
    for (const name of run) expect(await rig().isFree(name)).toBe(true)
    expect(await rig().isFree(l0 ?? "")).toBe(false)
    expect(await rig().host.topNode(id, at(disks, 0).volume)).toBe(head)
    await rig().write(id, first, 0, "more")
    await rig().host.restack(restack)
    expect(await contents(rig(), id, 4)).toEqual(["more", "in 1", "in 2", "in 3"])
    expect(await rig().host.look(id)).toBe("running")
  })

  test("a layer in the middle moves too", async () => {
    const { id, disks } = await running(rig(), 1)
    const { frozen, head } = await grown(rig(), id, at(disks, 0), 3)
    const [l0, l1, l2] = [at(frozen, 0), at(frozen, 1), at(frozen, 2)]
    await rig().host.restack(await rig().consolidate([l0, l1], null, l2))
    expect(await contents(rig(), id, 4)).toEqual(["in 0", "in 1", "in 2", "in 3"])
    for (const name of [l0, l1]) expect(await rig().isFree(name)).toBe(true)
    // Others may read it still: it did not become writable on the way.
    expect(await rig().stored(l2, 2 * apartBytes, 4)).toBe("in 2")
    for (const name of [l2, head]) expect(await rig().isFree(name)).toBe(false)
  })

  test("a head that was switched away meanwhile moves as the layer it is now", async () => {
    const { id, disks } = await running(rig(), 1)
    const disk = at(disks, 0)
    const { frozen, head } = await grown(rig(), id, disk, 2)
    const restack = await rig().consolidate(frozen, null, head)
    const next = await rig().overlay({ ...disk, top: head })
    await rig().host.switchDisks(id, [next])
    await rig().host.restack(restack)
    await rig().write(id, first, 2 * apartBytes, "mine")
    expect(await rig().stored(head, 2 * apartBytes, 4)).toBe("in 2")
    await rig().host.switchDisks(id, [await rig().overlay({ ...disk, top: next.to })])
    expect(await contents(rig(), id, 3)).toEqual(["in 0", "in 1", "mine"])
    for (const name of frozen) expect(await rig().isFree(name)).toBe(true)
  })

  test("machines that have none of it open are left as they are", async () => {
    const one = await running(rig(), 1)
    const two = await running(rig(), 1)
    const { frozen, head } = await grown(rig(), one.id, at(one.disks, 0), 2)
    await rig().write(two.id, first, 0, "mine")
    const restack = await rig().consolidate(frozen, null, head)
    await rig().host.stop(one.id, 0)
    await rig().host.restack(restack)
    expect(await rig().isFree(restack.links[0]?.backing ?? "")).toBe(true)
    expect(await rig().read(two.id, first, 0, 4)).toBe("mine")
  })

  test("after a restart of ours machines move as before", async () => {
    const { id, process, disks } = await running(rig(), 2)
    const { frozen, head } = await grown(rig(), id, at(disks, 0), 2)
    await rig().write(id, second, 0, "other")
    const host = await rig().restart()
    await host.adopt([{ id, process }])
    await host.restack(await rig().consolidate(frozen, null, head))
    expect(await contents(rig(), id, 3)).toEqual(["in 0", "in 1", "in 2"])
    expect(await rig().read(id, second, 0, 5)).toBe("other")
    for (const name of frozen) expect(await rig().isFree(name)).toBe(true)
  })
}

/** Switches the disk in the first slot so often; each layer holds words of its own. */
async function grown(rig: HostRig, id: MachineId, disk: DiskGraph, switches: number) {
  const frozen: string[] = []
  let head = disk.top
  for (let layer = 0; ; layer += 1) {
    await rig.write(id, first, layer * apartBytes, `in ${layer}`)
    if (layer === switches) return { frozen, head }
    const next = await rig.overlay({ ...disk, top: head })
    await rig.host.switchDisks(id, [next])
    frozen.push(head)
    head = next.to
  }
}

async function contents(rig: HostRig, id: MachineId, layers: number): Promise<string[]> {
  const found: string[] = []
  for (let layer = 0; layer < layers; layer += 1) {
    found.push(await rig.read(id, first, layer * apartBytes, 4))
  }
  return found
}
