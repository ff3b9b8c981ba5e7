/** Whatever fails while a memory is kept: the guest runs on, and nothing is left. */
import { mkdtemp, rm, statfs } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { isWriting, streamOf } from "../../src/hosts/vm/memory-stream.ts"
import { run } from "../../src/platform/command.ts"
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
  slowDown,
  watching,
  whatWentWrong,
} from "../fixtures/counting-guest.ts"
import { type VmRig, vmRig } from "../fixtures/host-rigs.ts"

const ballastMiB = 64

let rig: VmRig
let guest: CountingGuest
let next: Awaited<ReturnType<typeof nextSwitch>>

beforeAll(async () => {
  await allowUserfaults()
  rig = await vmRig()
  guest = await countingGuest(rig, ballastMiB)
})
afterAll(() => rig.end())
beforeEach(async () => {
  if ((await rig.host.look(guest.machine)) === "gone") guest = await countingGuest(rig, ballastMiB)
  next = await nextSwitch(rig, guest)
})

const capture = () => rig.host.captureMemory(guest.machine, next.memory, next.switches)
const keep = () => rig.host.keepMemory(guest.machine, next.memory, watching())
/** This one is whole, and the test wants one that is not. */
async function another(): Promise<void> {
  await keep()
  await rig.host.dropMemory(next.memory)
  next = await nextSwitch(rig, guest)
}
const interrupted = { fault: { kind: "interrupted" } }

/** It counts, its disks hold what it wrote, and nobody has anything of the memory. */
async function expectRunsOnWithout(): Promise<void> {
  expect(await rig.host.look(guest.machine)).toBe("running")
  await countsOn(rig.host, guest.machine)
  expect(await whatWentWrong(rig.host, guest.machine)).toBe("")
  expect(await memoryFiles(rig)).toEqual([])
  expect(await openMemories(guest.process)).toEqual([])
  expect(await rig.host.memories()).toEqual(new Map())
}

/** The disks are where the test left them; the next capture starts from there. */
async function expectTops(which: "from" | "to"): Promise<void> {
  for (const one of next.switches) {
    expect(await rig.host.topNode(guest.machine, one.volume)).toBe(one[which])
  }
  if (which === "from") guest.disks = next.points
}

describe("before the guest is touched", () => {
  test("a disk without room for all of it refuses", async () => {
    const base = await mkdtemp(join(tmpdir(), "tintype-memory-"))
    const [image, room] = [join(base, "disk.img"), join(rig.dataDir, "memory")]
    const timeoutMs = 60_000
    await run(["truncate", "-s", "96M", image], { timeoutMs })
    await run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", image], { timeoutMs })
    await run(["mount", "-o", "loop", image, room], { timeoutMs })
    try {
      const before = await statfs(room)
      await expect(capture()).rejects.toMatchObject({ fault: { kind: "no-space" } })
      expect((await statfs(room)).bfree).toBe(before.bfree)
      expect(await openMemories(guest.process)).toEqual([])
    } finally {
      await run(["umount", room], { timeoutMs })
      await rm(base, { recursive: true })
    }
    await expectRunsOnWithout()
    await expectTops("from")
  })

  test("a monitor that takes no file refuses", async () => {
    await onMemoryMonitor(rig, guest.machine, () =>
      expect(capture()).rejects.toMatchObject({ fault: { kind: "unavailable" } }),
    )
    await expectRunsOnWithout()
    await expectTops("from")
  })

  test("disks that cannot be switched refuse", async () => {
    const broken = { type: "blockdev-snapshot", data: { node: "nobody", overlay: "nothing" } }
    const all = next.switches
    const last = all.map((one, index) => (index < 2 ? one : { ...one, actions: [broken] }))
    await expect(rig.host.captureMemory(guest.machine, next.memory, last)).rejects.toThrow("nobody")
    await expectRunsOnWithout()
    await expectTops("from")
  })

  test("our end with the guest stopped is no obstacle to the next try", async () => {
    await onMemoryMonitor(rig, guest.machine, (qmp) => qmp.execute("stop"))
    await rig.restart()
    expect(await capture()).toMatchObject({ running: true })
    await keep()
    await rig.host.dropMemory(next.memory)
    await expectRunsOnWithout()
  })

  test("our end with the disks switched is the end of the try: nobody knows since when", async () => {
    await rig.host.switchDisks(guest.machine, next.switches)
    await onMemoryMonitor(rig, guest.machine, (qmp) => qmp.execute("stop"))
    await rig.restart()
    await expect(capture()).rejects.toMatchObject(interrupted)
    await expectRunsOnWithout()
    await expectTops("to")
  })

  test("a machine that is off refuses", async () => {
    await rig.host.stop(guest.machine, 0)
    await expect(capture()).rejects.toMatchObject({ fault: { kind: "wrong-state" } })
    expect(await memoryFiles(rig)).toEqual([])
  })
})

describe("while QEMU writes in the background", () => {
  /**
   * The middle of a stream: its process stands still until `then` has begun. Where it was faster
   * than we are, the next one may not be.
   */
  async function inTheMiddle<T>(then: () => Promise<T>, slowly = false): Promise<T> {
    for (;;) {
      await capture()
      if (slowly) await slowDown(rig, guest)
      await rig.freeze(guest.machine, guest.process)
      const open = await openMemories(guest.process)
      if (open.length > 0) {
        expect(open).toEqual([expect.stringMatching(/\.part$/)])
        break
      }
      await rig.thaw(guest.machine, guest.process)
      await another()
    }
    const done = then()
    setTimeout(() => rig.thaw(guest.machine, guest.process).catch(() => {}), 300)
    return done
  }

  test("our end does not matter: who comes after us finds it kept", async () => {
    const { bytes } = await inTheMiddle(async () => {
      await rig.restart()
      return keep()
    })
    expect(await rig.host.memories()).toEqual(new Map([[next.memory, bytes]]))
    await countsOn(rig.host, guest.machine)
    expect(await whatWentWrong(rig.host, guest.machine)).toBe("")
    await rig.host.stop(guest.machine, 0)
    await rig.host.start(await restoring(rig, guest.order, next.points, next.memory))
    await countsOn(rig.host, guest.machine)
    expect(await whatWentWrong(rig.host, guest.machine)).toBe("")
    await rig.host.stop(guest.machine, 0)
    await rig.host.dropMemory(next.memory)
  })

  test("one that is given up leaves the guest running, and nothing else", async () => {
    await inTheMiddle(() => rig.host.dropMemory(next.memory))
    await expectRunsOnWithout()
    await expectTops("to")
    await expect(keep()).rejects.toMatchObject(interrupted)
  })

  test("the end of the machine is the end of its memory", async () => {
    await inTheMiddle(async () => {
      await rig.kill(guest.machine, guest.process)
      await expect(keep()).rejects.toMatchObject(interrupted)
    })
    await rig.host.dropMemory(next.memory)
    expect(await memoryFiles(rig)).toEqual([])
    expect(await rig.host.memories()).toEqual(new Map())
  })

  test("a machine that is stopped meanwhile is gone, and so is its memory", async () => {
    await inTheMiddle(() => rig.host.stop(guest.machine, 0))
    expect(await rig.host.look(guest.machine)).toBe("gone")
    await expect(keep()).rejects.toMatchObject(interrupted)
    await rig.host.dropMemory(next.memory)
    expect(await memoryFiles(rig)).toEqual([])
  })

  test("one that is cut off leaves a machine that is lost, and that is known", async () => {
    expect(await rig.host.lost(guest.machine)).toBe(false)
    // By the time that it is cut off it must not have come to its end.
    await inTheMiddle(async () => {}, true)
    await onMemoryMonitor(rig, guest.machine, (qmp) => qmp.execute("migrate_cancel"))
    while (!(await rig.host.lost(guest.machine))) await sleep(100)
    await rig.host.stop(guest.machine, 0)
    expect(await rig.host.look(guest.machine)).toBe("gone")
    expect(await rig.host.lost(guest.machine)).toBe(false)
    await rig.host.dropMemory(next.memory)
    expect(await memoryFiles(rig)).toEqual([])
  })

  test("whoever waits for it may stop waiting", async () => {
    const watch = { progress: () => {}, signal: AbortSignal.abort(new Error("enough")) }
    await capture()
    const kept = rig.host.keepMemory(guest.machine, next.memory, watch)
    await expect(kept).rejects.toThrow("enough")
    await keep()
    await rig.host.dropMemory(next.memory)
    await expectRunsOnWithout()
  })
})

describe("while the guest stands still for it", () => {
  async function capturedSlowly(): Promise<void> {
    await forbidBackground(rig, guest)
    for (;;) {
      expect((await capture()).running).toBe(false)
      await slowDown(rig, guest)
      if (isWriting(await onMemoryMonitor(rig, guest.machine, streamOf))) return
      // It was written before it could be made slow.
      await another()
    }
  }

  test("our end does not matter: who comes after us lets it go on when it is kept", async () => {
    await capturedSlowly()
    await rig.restart()
    expect(await rig.host.look(guest.machine)).toBe("paused")
    const kept = keep()
    await onMemoryMonitor(rig, guest.machine, (qmp) =>
      qmp.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 }),
    )
    await kept
    await countsOn(rig.host, guest.machine)
    expect(await whatWentWrong(rig.host, guest.machine)).toBe("")
    await rig.host.stop(guest.machine, 0)
    await rig.host.start(await restoring(rig, guest.order, next.points, next.memory))
    await countsOn(rig.host, guest.machine)
    expect(await whatWentWrong(rig.host, guest.machine)).toBe("")
    await rig.host.stop(guest.machine, 0)
    await rig.host.dropMemory(next.memory)
  })

  test("letting the guest go is giving its memory up", async () => {
    await capturedSlowly()
    await rig.host.release(guest.machine)
    await countsOn(rig.host, guest.machine)
    await expect(keep()).rejects.toMatchObject(interrupted)
    await rig.host.dropMemory(next.memory)
    await expectRunsOnWithout()
  })

  test("giving the memory up is letting the guest go", async () => {
    await capturedSlowly()
    await rig.host.dropMemory(next.memory)
    await expectRunsOnWithout()
  })
})
