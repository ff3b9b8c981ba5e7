/** The disks of a real machine become larger, and its guest sees it. */
import { afterEach, beforeEach, expect, test } from "vitest"
import type { MachineId } from "../../src/domain/ids.ts"
import { makeReal } from "../crash/real.ts"
import { done, MiB, runningMachine, type Stage } from "../crash/stage.ts"
import { type Making, newWorld, right, type World } from "../crash/world.ts"

let making: Making
let world: World
let stage: Stage
beforeEach(async () => {
  making = await makeReal()
  world = await newWorld(making)
  stage = { ...(await world.boot()), making, who: await world.admin() } as Stage
})
afterEach(async () => {
  await world.crash()
  await making.dispose()
})

const core = () => stage.service.core

async function shell(machine: MachineId, script: string): Promise<string> {
  const wish = { argv: ["sh", "-c", script] }
  const ran = right(await core().machines.exec({ who: stage.who }, machine, wish))
  if (ran.exitCode !== 0) throw new Error(`${script}: ${ran.stderr}`)
  return ran.stdout.toString().trim()
}

const sectorsOf = (disk: string) => `cat /sys/class/block/${disk}/size`
const rootBlocks = "df -k / | tail -n 1 | awk '{ print $2 }'"

test("stopped, grown, started: the guest has larger disks, and memory of before still goes on", async () => {
  const { who } = stage
  const { machine, extra } = await runningMachine(stage)
  await making.remember(stage.host, machine, "remembered")
  const source = { kind: "machine", id: machine } as const
  const taken = core().snapshots.create({ who }, { name: "s", source, memory: true })
  const { id: snapshotId } = await done(stage, taken)
  const { rootVolumeId } = right(await core().machines.get(who, machine))
  const { sizeBytes } = right(await core().volumes.get(who, rootVolumeId))
  const blocksBefore = Number(await shell(machine, rootBlocks))

  await done(stage, core().machines.stop({ who }, machine, { hard: false }))
  await done(stage, core().volumes.grow({ who }, extra, 3 * MiB + 512))
  await done(stage, core().volumes.grow({ who }, rootVolumeId, sizeBytes + 64 * MiB))
  await done(stage, core().machines.start({ who }, machine))
  expect(await shell(machine, sectorsOf("vdb"))).toBe(String((3 * MiB + 512) / 512))
  expect(await making.peek(stage.host, machine, 1)).toBe("one")
  expect(Number(await shell(machine, rootBlocks))).toBeGreaterThan(blocksBefore + 40 * 1024)
  const last = `dd of=/dev/vdb bs=512 seek=$((${3 * MiB} / 512)) conv=notrunc,fsync 2>/dev/null`
  await shell(machine, `printf '%512s' end | ${last}`)

  await done(stage, core().machines.revert({ who }, machine, { snapshotId }))
  expect(await making.recall(stage.host, machine)).toBe("remembered")
  expect(await making.peek(stage.host, machine, 1)).toBe("one")
  await making.poke(stage.host, machine, 1, "two")
  await done(stage, core().machines.reboot({ who }, machine))
  expect(await shell(machine, sectorsOf("vdb"))).toBe(String((3 * MiB + 512) / 512))
  expect(await making.peek(stage.host, machine, 1)).toBe("two")
  await shell(machine, "sync; test $(tail -c 512 /dev/vdb | tr -d '\\0' | wc -c) = 0")
})
