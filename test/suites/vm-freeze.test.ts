/** Real guests whose agent freezes their file systems, on real disks. */
import { execFile } from "node:child_process"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { MachineId } from "../../src/domain/ids.ts"
import type { ExecOptions } from "../../src/hosts/host.ts"
import { at, running } from "../../src/hosts/host-rig.suite.ts"
import { type VmRig, vmRig } from "../fixtures/host-rigs.ts"

const exec: ExecOptions = { waitForAgentMs: 150_000, timeoutMs: 150_000, maxOutputBytes: 65_536 }

describe("freezing a machine in QEMU", () => {
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

  test("leaves every mounted file system clean, where a running guest leaves work to do", async () => {
    const { id, order } = await running(rig, 1)
    await shell(id, "mkfs.ext4 -q $(ls /dev/vd? | tail -n 1)")
    await shell(id, "mount $(ls /dev/vd? | tail -n 1) /mnt && mkdir /busy")
    for (const place of ["/busy", "/mnt"]) {
      const write = `n=$((n+1)); echo $n > ${place}/$((n % 50)); sync`
      await shell(id, `(n=0; while :; do ${write}; done) > /dev/null 2>&1 &`)
    }
    await sleep(500)
    const disks = order.disks.map(({ graph }) => graph)
    const busy = await Promise.all(disks.map((disk) => rig.overlay(disk)))
    await rig.host.switchDisks(id, busy)
    await sleep(500)

    expect(await rig.host.freeze(id)).toBe(2)
    const frozen = await Promise.all(
      disks.map((disk, index) => rig.overlay({ ...disk, top: at(busy, index).to })),
    )
    await rig.host.switchDisks(id, frozen)
    expect(await rig.host.release(id)).toBe(2)

    for (const [index, { top }] of disks.entries()) {
      const running = await examined(rig, top)
      const still = await examined(rig, at(busy, index).to)
      expect([running.needsRecovery, still.needsRecovery]).toEqual([true, false])
      expect(still.complaints).toBe("")
    }
    await shell(id, "echo goes on > /mnt/on && sync && cat /mnt/on")
  })

  test("a command that runs meanwhile is not disturbed", async () => {
    const { id } = await running(rig)
    const command = shell(
      id,
      "echo it began > /dev/console; sleep 1; echo written > /file; sync; cat /file",
    )
    const said = async () => (await rig.host.console(id, 4096)).toString()
    while (!(await said()).includes("it began")) await sleep(20)
    await rig.host.freeze(id)
    await sleep(1_500)
    await rig.host.release(id)
    expect(await command).toBe("written\n")
  })

  test("a freeze that takes too long is given up, and the guest goes on", async () => {
    const { id } = await running(rig)
    await shell(
      id,
      `printf '#!/bin/sh\\n[ "$1" != freeze ] || sleep 13\\n' > /etc/slow; chmod +x /etc/slow
       sed -i 's/--statedir/--fsfreeze-hook=\\/etc\\/slow --statedir/' /etc/agent`,
    )
    // The agent may be gone before it has said that it did as it was told.
    await shell(id, "(sleep 0.2; killall qemu-ga) > /dev/null 2>&1 &").catch(() => "")
    const hooked = () => shell(id, "ps | grep 'qemu-ga.*[f]sfreeze-hook'").catch(() => "")
    while ((await hooked()) === "") await sleep(100)
    await expect(rig.host.freeze(id)).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    expect(await shell(id, "echo on > /file && sync && cat /file")).toBe("on\n")
    expect(await rig.host.release(id)).toBe(0)
  })
})

/** A layer and those below it, as whoever mounts the snapshot finds them. */
async function examined(rig: VmRig, layer: string) {
  const from = join(rig.dataDir, "layers", layer)
  const raw = `${from}.raw`
  try {
    await run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", from, raw)
    const features = await run("dumpe2fs", "-h", raw)
    const checked = await run("e2fsck", "-fn", raw).then(
      () => "",
      (cause: Error & { stdout: string }) => cause.stdout,
    )
    return { needsRecovery: features.includes("needs_recovery"), complaints: checked }
  } finally {
    await rm(raw, { force: true })
  }
}

async function run(program: string, ...argv: string[]): Promise<string> {
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` }
  return (await promisify(execFile)(program, argv, { timeout: 150_000, env })).stdout
}
