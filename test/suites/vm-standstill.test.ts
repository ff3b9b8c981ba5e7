/** A real guest on a disk that fills up: a small file system of its own, which takes root. */
import { appendFile, chmod, mkdir, mkdtemp, readdir, readlink, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { type MachineId, newId } from "../../src/domain/ids.ts"
import type { ExecOptions } from "../../src/hosts/host.ts"
import { running } from "../../src/hosts/host-rig.suite.ts"
import { run } from "../../src/platform/command.ts"
import { errorCode } from "../../src/platform/files.ts"
import { allowUserfaults } from "../fixtures/counting-guest.ts"
import { type VmRig, vmRigIn } from "../fixtures/host-rigs.ts"

const exec: ExecOptions = { waitForAgentMs: 150_000, timeoutMs: 150_000, maxOutputBytes: 65_536 }
const timeoutMs = 60_000
// A write for each 64 KiB of the volume, which has 8 MiB.
const writes = 120

describe("a machine in QEMU whose disk is full", () => {
  let base: string
  let rig: VmRig
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "tintype-full-"))
    const dataDir = join(base, "disk")
    await mkdir(dataDir)
    const image = join(base, "disk.img")
    await run(["truncate", "-s", "640M", image], { timeoutMs })
    await run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", image], { timeoutMs })
    await run(["mount", "-o", "loop", image, dataDir], { timeoutMs })
    for (const path of [base, dataDir]) await chmod(path, 0o711)
    const remove = () => run(["umount", dataDir], { timeoutMs }).then(() => {})
    rig = await vmRigIn(dataDir, { uid: 65534, gid: 65534 }, remove)
  })
  afterEach(async () => {
    await rig.end()
    await rm(base, { recursive: true })
  })
  const shell = async (machine: MachineId, script: string) => {
    const { exitCode, stdout, stderr } = await rig.host.exec(machine, ["sh", "-c", script], exec)
    if (exitCode !== 0) throw new Error(`${script}: ${stderr}`)
    return stdout.toString()
  }

  test("stands still for want of space, and goes on without a lost write", async () => {
    const { id } = await running(rig, 1)
    await takeAllBut(2 * 2 ** 20)
    const block = (await shell(id, "ls /dev/vd? | tail -n 1")).trim()
    const piece = "dd if=/dev/urandom of=/run/piece bs=65536 count=1"
    const put = `dd if=/run/piece of=${block} bs=65536 seek=$n conv=notrunc,fsync`
    const note = "md5sum < /run/piece >> /run/written"
    const loop = `n=0; while [ $n -lt ${writes} ]; do ${piece}; ${put} && ${note}; n=$((n+1)); done`
    await shell(id, `(${loop}; touch /run/done) > /dev/null 2>&1 &`)

    await standsStill(id)
    expect(await rig.host.look(id)).toBe("paused")
    // It is not ours to continue, and going on without space is standing still again.
    await rig.host.release(id)
    expect(await rig.host.look(id)).toBe("paused")
    await rig.host.goOn(id)
    await standsStill(id)

    await rm(filler())
    await rig.host.goOn(id)
    expect(await rig.host.look(id)).toBe("running")
    expect(await rig.host.standstill(id)).toBe(null)
    await shell(id, "while [ ! -e /run/done ]; do sleep 0.1; done")
    const read = `dd if=${block} bs=65536 skip=$n count=1 2>/dev/null | md5sum`
    const all = `n=0; while [ $n -lt ${writes} ]; do ${read}; n=$((n+1)); done`
    const written = await shell(id, "cat /run/written")
    expect(written.trim().split("\n")).toHaveLength(writes)
    expect(await shell(id, `echo 3 > /proc/sys/vm/drop_caches; ${all}`)).toBe(written)
  })

  test("has no memory kept of it meanwhile, and goes on afterwards", async () => {
    await allowUserfaults()
    const { id, disks, process } = await running(rig, 1)
    const block = (await shell(id, "ls /dev/vd? | tail -n 1")).trim()
    await takeAllBut(2 * 2 ** 20)
    const fill = `dd if=/dev/urandom of=${block} bs=65536 count=${writes} conv=notrunc,fsync`
    await shell(id, `(${fill} && touch /run/done) > /dev/null 2>&1 &`)
    await standsStill(id)
    // There is space, and nobody has told the guest.
    await rm(filler())

    const switches = await Promise.all(disks.map((disk) => rig.overlay(disk)))
    await expect(rig.host.captureMemory(id, newId<"snapshot">(), switches)).rejects.toMatchObject({
      fault: { kind: "wrong-state", is: "waiting for space on its disk" },
    })
    expect(await rig.host.standstill(id)).toBe("no-space")
    expect(await readdir(join(rig.dataDir, "memory"))).toEqual([])
    // Nor has QEMU anything open of the try: its space would not come back.
    const open = (await readdir(`/proc/${process.pid}/fd`)).map((fd) =>
      readlink(`/proc/${process.pid}/fd/${fd}`).catch(() => ""),
    )
    const names = (await Promise.all(open)).map((path) => basename(path))
    expect(names).toContain(disks[0]?.top)
    for (const { to } of switches) expect(names).not.toContain(to)
    await rig.host.goOn(id)
    await shell(id, "while [ ! -e /run/done ]; do sleep 0.1; done")
  })

  async function standsStill(id: MachineId): Promise<void> {
    while ((await rig.host.standstill(id)) !== "no-space") await sleep(50)
  }

  const filler = () => join(rig.dataDir, "filler")
  async function takeAllBut(bytes: number): Promise<void> {
    const spare = join(rig.dataDir, "spare")
    await appendFile(spare, Buffer.alloc(bytes, 1))
    for (const piece of [2 ** 20, 4096]) {
      for (;;) {
        const full = await appendFile(filler(), Buffer.alloc(piece, 1)).then(
          () => false,
          (cause: unknown) => errorCode(cause) === "ENOSPC",
        )
        if (full) break
      }
    }
    await rm(spare)
  }
})
