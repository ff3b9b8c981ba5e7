/** Real machines whose disks move to other storage while they are written to. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { BlockNode, DiskGraph } from "../../src/domain/disk.ts"
import type { MachineId } from "../../src/domain/ids.ts"
import type { ExecOptions } from "../../src/hosts/host.ts"
import { at, running } from "../../src/hosts/host-rig.suite.ts"
import { type VmRig, vmRig } from "../fixtures/host-rigs.ts"

const exec: ExecOptions = { waitForAgentMs: 150_000, timeoutMs: 150_000, maxOutputBytes: 65_536 }
const blocks = 64

describe("restacking a machine in QEMU", () => {
  let rig: VmRig
  beforeEach(async () => {
    rig = await vmRig()
  })
  afterEach(() => rig.end())
  const shell = async (machine: MachineId, script: string) => {
    const { exitCode, stdout, stderr } = await rig.host.exec(machine, ["sh", "-c", script], exec)
    if (exitCode !== 0) throw new Error(`${script}: ${stderr}`)
    return stdout.toString()
  }

  test("loses none of the writes that the guest makes meanwhile", async () => {
    const { id, disks } = await running(rig, 1)
    const disk = at(disks, 0)
    const block = (await shell(id, "ls /sys/block | grep vd | tail -n 1")).trim()
    const put = `printf %08d $n | dd of=/dev/${block} bs=4096 seek=$((n % ${blocks})) conv=notrunc,fsync`
    const loop = `n=0; while [ ! -e /run/stop ]; do n=$((n+1)); ${put}; echo $n > /run/acked; done`
    await shell(id, `(${loop}; touch /run/stopped) > /dev/null 2>&1 &`)

    let [below, head]: [string | null, string] = [null, disk.top]
    for (let round = 0; round < 4; round += 1) {
      const run: string[] = []
      for (let layer = 0; layer < 3; layer += 1) {
        await sleep(150)
        const next = await rig.overlay({ ...disk, top: head })
        await rig.host.switchDisks(id, [next])
        run.push(head)
        head = next.to
      }
      const restack = await rig.consolidate(run, below, head)
      await rig.host.restack(restack)
      for (const name of run) expect(await rig.isFree(name)).toBe(true)
      below = restack.links[0]?.backing ?? null
    }
    await sleep(150)
    await shell(id, `until [ "$(cat /run/acked)" -gt ${blocks} ]; do sleep 0.1; done 2>/dev/null`)
    await shell(id, "touch /run/stop; while [ ! -e /run/stopped ]; do sleep 0.1; done")
    const acked = Number(await shell(id, "cat /run/acked"))
    const expected = Array.from({ length: blocks }, (_, block) => {
      const last = acked - ((((acked - block) % blocks) + blocks) % blocks)
      return String(last).padStart(8, "0")
    })
    const read = `echo 3 > /proc/sys/vm/drop_caches; k=0; while [ $k -lt ${blocks} ]; do
      dd if=/dev/${block} bs=4096 skip=$k count=1 2>/dev/null | head -c 8; echo; k=$((k+1)); done`
    expect((await shell(id, read)).trim().split("\n")).toEqual(expected)
    await rig.host.detach(id, 1, disk.volume)
    for (const name of [head, below ?? ""]) {
      await run("qemu-img", "check", "-q", "-f", "qcow2", join(rig.dataDir, "layers", name))
    }
  })

  test("moves two disks that share what they stand on", async () => {
    const { id, l0, l1, one, two, restack } = await sharing()
    await rig.host.attach(id, 2, two)
    await rig.host.restack(restack)
    for (const slot of [1, 2]) expect(await rig.read(id, slot, 0, 8)).toBe("in 0in 1")
    for (const name of [l0, l1]) expect(await rig.isFree(name)).toBe(true)
    // What one of them lets go of, the other still stands on.
    await rig.host.detach(id, 1, one.volume)
    expect(await rig.isFree(restack.links[0]?.backing ?? "")).toBe(false)
    expect(await rig.read(id, 2, 0, 8)).toBe("in 0in 1")
  })

  test("changes nothing where QEMU refuses, and takes back what it added", async () => {
    const { id, two, restack } = await sharing()
    await rig.host.attach(id, 2, two)
    const [good, other] = [at(restack.links, 0), at(restack.links, 1)]
    const broken = { ...other, node: { ...other.node, file: "nobody" } }
    await expect(rig.host.restack({ ...restack, links: [good, broken] })).rejects.toMatchObject({
      fault: { kind: "unavailable", remedy: expect.stringContaining("nobody") },
    })
    expect(await rig.isFree(good.backing)).toBe(true)
    for (const slot of [1, 2]) expect(await rig.read(id, slot, 0, 8)).toBe("in 0in 1")
    await rig.host.restack(restack)
    for (const slot of [1, 2]) expect(await rig.read(id, slot, 0, 8)).toBe("in 0in 1")
  })

  test("moves the others past one that hangs, and says so: it reads on when it wakes", async () => {
    const { id, process, l1, two, restack } = await sharing()
    const other = await running(rig)
    await rig.host.attach(other.id, 2, two)
    await rig.freeze(id, process)
    await expect(rig.host.restack(restack)).rejects.toMatchObject({
      fault: { kind: "unavailable" },
    })
    expect(await rig.read(other.id, 2, 0, 8)).toBe("in 0in 1")
    await rig.thaw(id, process)
    expect(await rig.read(id, 1, 0, 8)).toBe("in 0in 1")
    await rig.host.restack(restack)
    expect(await rig.read(id, 1, 0, 8)).toBe("in 0in 1")
    expect(await rig.isFree(l1)).toBe(true)
  })

  /** A machine with a disk of two frozen layers and a head, and another head on the same. */
  async function sharing() {
    const { id, process, disks } = await running(rig, 1)
    const disk = at(disks, 0)
    const l0 = disk.top
    await rig.write(id, 1, 0, "in 0")
    const first = await rig.overlay(disk)
    await rig.host.switchDisks(id, [first])
    await rig.write(id, 1, 4, "in 1")
    const l1 = first.to
    const second = await rig.overlay({ ...disk, top: l1 })
    await rig.host.switchDisks(id, [second])
    const frozen: DiskGraph = {
      ...disk,
      nodes: [...disk.nodes, ...over(first.nodes, l0)].map(readOnly),
      top: l1,
    }
    const one = { ...disk, top: second.to }
    const two = await rig.grow({ ...frozen, volume: (await rig.volume()).volume })
    const moves = await rig.consolidate([l0, l1], null, one.top)
    const link = { node: topOf(two), backing: at(moves.links, 0).backing }
    return { id, process, l0, l1, one, two, restack: { ...moves, links: [...moves.links, link] } }
  }
})

const over = (nodes: readonly BlockNode[], backing: string): BlockNode[] =>
  nodes.map((node) => (node.driver === "qcow2" ? { ...node, backing } : node))

const readOnly = (node: BlockNode): BlockNode => ({ ...node, "read-only": true })

function topOf({ nodes, top }: DiskGraph): BlockNode {
  const found = nodes.find((node) => node["node-name"] === top)
  if (found === undefined) throw new Error(`no ${top}`)
  return found
}

async function run(program: string, ...argv: string[]): Promise<string> {
  return (await promisify(execFile)(program, argv, { timeout: 150_000 })).stdout
}
