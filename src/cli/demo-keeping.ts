/** Two more scenes of the demo: a guest that goes on from its memory, and space that comes back. */
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Narrator } from "./demo-narrator.ts"
import type { Stage } from "./demo-stage.ts"
import type { Snapshot } from "./resources.ts"
import { showSize } from "./sizes.ts"

const mib = 2 ** 20
const counter =
  "mount -t tmpfs none /mnt; echo $$ > /mnt/pid; i=0; while true; do i=$((i+1)); echo $i > /mnt/n; mv /mnt/n /mnt/count; sleep 0.1; done"

/** A program counts, in memory only; it is killed, and goes on counting where the snapshot was. */
export async function withMemory(_: Stage, tell: Narrator): Promise<void> {
  tell.scene("A snapshot with memory: the guest goes on as if nothing had happened")
  const begun = "until [ -s /mnt/count ]; do sleep 0.1; done"
  await tell.inside("web", `(setsid sh -c '${counter}' >/dev/null 2>&1 </dev/null &) ; ${begun}`)
  const count = async () => Number(await tell.inside("web", "cat /mnt/count"))
  /** A guest on a busy node may take its time. */
  const countBeyond = async (number: number) => {
    await tell.inside("web", `until [ $(cat /mnt/count) -gt ${number} ]; do sleep 0.1; done`)
    return await count()
  }
  const bootId = () => tell.inside("web", "cat /proc/sys/kernel/random/boot_id")
  const [boot, before] = [await bootId(), await count()]
  const take = ["--machine", "web", "--name", "alive", "--memory", "--wait"]
  const snapshot = await tell.run<Snapshot>("snapshot", "create", ...take)
  const { label, pauseMs } = snapshot.consistency as { label: string; pauseMs: number }
  const kept = showSize(Number((snapshot["memory"] as { bytes: number } | null)?.bytes ?? 0))
  tell.show(
    `${kept} of memory kept; the guest stood still for ${pauseMs.toFixed(1)} ms`,
    label === "memory",
  )
  const after = await countBeyond(before)
  tell.show(`it went on counting meanwhile (${before}, then ${after})`, after > before)
  await tell.inside("web", "kill -9 $(cat /mnt/pid); rm -f /letter /mnt/*; sync")
  tell.show(
    "the program is dead, and its count is gone",
    (await tell.inside("web", "ls /mnt")) === "",
  )

  await tell.run("machine", "revert", "web", "--snapshot", "alive", "--wait")
  const back = await count()
  tell.show(`it counts on where it was (${back})`, back >= before)
  tell.show("... and goes on", (await countBeyond(back)) > back)
  tell.show("nothing booted: the kernel is the one it was", (await bootId()) === boot)
}

/** What is told is what the file system says. */
export async function spaceBack({ dataDir }: Stage, tell: Narrator): Promise<void> {
  tell.scene("Snapshots deleted in any order: what is told to come back comes back")
  for (const name of ["mon", "tue", "wed"]) {
    await tell.inside("web", "dd if=/dev/urandom of=/dev/vdb bs=1M count=8 conv=fsync 2>/dev/null")
    await tell.run("snapshot", "create", "--machine", "web", "--name", name, "--wait")
  }
  const sum = `head -c ${8 * mib} /dev/vdb | sha256sum | cut -c1-64`
  const [disk, quiesced] = [
    await tell.inside("web", sum),
    ["--machine", "web", "--name", "thu", "--quiesce", "--wait"],
  ]
  const thu = await tell.run<Snapshot>("snapshot", "create", ...quiesced)
  const { label } = thu.consistency ?? { label: "none" }
  tell.show("the guest's file systems were frozen for an instant", label === "filesystem")
  type Diff = { volumes: { changedBytes: number }[] }
  const diff = await tell.run<Diff>("snapshot", "diff", "mon", "tue")
  const changed = diff.volumes.reduce((all, { changedBytes }) => all + changedBytes, 0)
  const words = `between mon and tue ${showSize(changed)} changed`
  tell.show(words, changed >= 8 * mib && changed < 24 * mib)
  type Freed = { freedIfDeleted: number }
  const { freedIfDeleted } = await tell.run<Freed>("snapshot", "freed", "mon", "tue")
  const held = await heldBytes(dataDir)
  await tell.run("snapshot", "delete", "tue", "mon", "--wait")
  const isTrue = (came: number) => Math.abs(came - freedIfDeleted) < 2 * mib && came > 8 * mib
  let came = held - (await heldBytes(dataDir))
  // A copy that upkeep is making just then takes some room for a moment.
  for (let tries = 0; tries < 60 && !isTrue(came); tries += 1) {
    await sleep(500)
    came = held - (await heldBytes(dataDir))
  }
  tell.show(`told ${showSize(freedIfDeleted)}, came back ${showSize(came)}`, isTrue(came))
  tell.show("the disk reads as before", (await tell.inside("web", sum)) === disk)
}

async function heldBytes(dataDir: string): Promise<number> {
  const layers = join(dataDir, "layers")
  const sizes = (await readdir(layers)).map(async (name) => {
    // One that goes just now holds nothing any more.
    const { blocks } = await stat(join(layers, name)).catch(() => ({ blocks: 0 }))
    return blocks * 512
  })
  return (await Promise.all(sizes)).reduce((all, one) => all + one, 0)
}
