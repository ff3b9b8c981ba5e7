/**
 * What the demo shows, scene by scene. Every line that is printed was done just before, by the
 * same commands a person would type, and looked at from both sides: from inside the guest, and
 * bit for bit from outside.
 */
import { randomBytes } from "node:crypto"
import { open, stat } from "node:fs/promises"
import { join } from "node:path"
import { readRange, sha256, sparsePicture } from "./demo-disks.ts"
import { otherClouds } from "./demo-faces.ts"
import { spaceBack, withMemory } from "./demo-keeping.ts"
import type { Narrator } from "./demo-narrator.ts"
import type { Stage } from "./demo-stage.ts"
import type { Snapshot } from "./resources.ts"
import { showSize } from "./sizes.ts"

type Scene = (stage: Stage, tell: Narrator) => Promise<void>

/** Played in this order; each stands on what the ones before it left. */
export const scenes: readonly Scene[] = [
  boot,
  breakAndRevert,
  withMemory,
  spaceBack,
  disks,
  terabyte,
  otherClouds,
  overview,
]

const mib = 2 ** 20
const letter = "sha256sum /letter | cut -c1-64"
const extraDisk = `head -c ${4 * mib} /dev/vdb | sha256sum | cut -c1-64`

/** What the guest wrote, as it summed it up itself. */
const written = { letter: "", extra: "" }

async function boot(_: Stage, tell: Narrator): Promise<void> {
  tell.scene("A machine, from an image built here")
  const image = await tell.run("image", "build-demo")
  tell.show(`the image is ready: ${showSize(Number(image["sizeBytes"]))}`, image.state === "ready")
  await tell.run("volume", "create", "--name", "data", "--size", "1G", "--wait")
  const disks = ["--image", "demo", "--volume", "data", "--wait"]
  const machine = await tell.run("machine", "create", "--name", "web", ...disks)
  tell.show(`the machine answers (${machine["accelerator"]})`, machine.state === "running")
  tell.show("the guest says who it is", (await tell.inside("web", "uname -sr")).startsWith("Linux"))
}

async function breakAndRevert({ folder }: Stage, tell: Narrator): Promise<void> {
  tell.scene("Write, snapshot while it runs, break, revert")
  const root = "dd if=/dev/urandom of=/letter bs=64k count=16 2>/dev/null"
  const extra = "dd if=/dev/urandom of=/dev/vdb bs=1M count=4 2>/dev/null"
  await tell.inside("web", `${root} && ${extra} && sync`)
  written.letter = await tell.inside("web", letter)
  written.extra = await tell.inside("web", extraDisk)
  tell.show("1 MiB is in a file, 4 MiB on the extra volume", written.extra.length === 64)

  const before = ["--machine", "web", "--name", "before", "--wait"]
  const snapshot = await tell.run<Snapshot>("snapshot", "create", ...before)
  const { pauseMs } = snapshot.consistency as { label: string; pauseMs: number }
  const words = `ready: ${snapshot.points.length} disks at one instant, paused ${pauseMs.toFixed(1)} ms`
  tell.show(words, snapshot.state === "ready" && snapshot.points.length === 2)

  await tell.inside("web", "rm /letter && yes broken | head -c 4194304 > /dev/vdb; sync")
  tell.show("the file is gone", (await tell.inside("web", "ls /")).includes("letter") === false)
  tell.show(
    "the extra volume is overwritten",
    (await tell.inside("web", extraDisk)) !== written.extra,
  )

  const machine = await tell.run("machine", "revert", "web", "--snapshot", "before", "--wait")
  tell.show("the machine runs again", machine.state === "running")
  tell.show("the file is back, bit for bit", (await tell.inside("web", letter)) === written.letter)
  const extraNow = await tell.inside("web", extraDisk)
  tell.show("the extra volume is back, bit for bit", extraNow === written.extra)

  const list = await tell.run<{ items: Snapshot[] }>("snapshot", "list", "--machine", "web")
  const recovery = list.items.find((item) => item.recovery)
  tell.show("what was there before the revert was kept", recovery !== undefined)
  const files = { broken: join(folder, "broken.raw"), before: join(folder, "before.raw") }
  const of = ["--volume", "data"]
  await tell.run("snapshot", "export", recovery?.id ?? "", files.broken, ...of)
  const broken = await readRange(files.broken, 0, 4 * mib)
  tell.show("... and holds the broken disk", broken.equals(Buffer.alloc(4 * mib, "broken\n")))
  await tell.run("snapshot", "export", "before", files.before, ...of)
  const good = sha256(await readRange(files.before, 0, 4 * mib))
  tell.show("... and the snapshot the good one", good === written.extra)
}

async function disks({ folder }: Stage, tell: Narrator): Promise<void> {
  tell.scene("A disk without a machine: import, snapshot, import, revert, export, clone")
  const [one, two] = [join(folder, "one.raw"), join(folder, "two.raw")]
  const size = 256 * mib
  for (const file of [one, two]) await sparsePicture(file, size)
  await tell.run("volume", "create", "--name", "disk", "--size", "256M", "--wait")
  await tell.run("volume", "import", "disk", one)
  await tell.run("snapshot", "create", "--volume", "disk", "--name", "first", "--wait")
  await tell.run("volume", "import", "disk", two)
  await tell.run("volume", "revert", "disk", "--snapshot", "first", "--wait")
  const back = join(folder, "back.raw")
  await tell.run("volume", "export", "disk", back)
  const whole = (file: string) => readRange(file, 0, size)
  tell.show("the first picture is back, bit for bit", (await whole(back)).equals(await whole(one)))
  const { blocks } = await stat(back)
  tell.show(`its holes are holes: ${showSize(blocks * 512)} on disk`, blocks * 512 < size / 2)

  await tell.run("volume", "create", "--name", "copy", "--from-snapshot", "first", "--wait")
  const copy = join(folder, "copy.raw")
  await tell.run("volume", "export", "copy", copy)
  tell.show("the clone holds the same", (await whole(copy)).equals(await whole(one)))
}

async function terabyte({ folder }: Stage, tell: Narrator): Promise<void> {
  tell.scene("A thin terabyte")
  const file = join(folder, "tail.raw")
  const marker = randomBytes(mib)
  const handle = await open(file, "w")
  await handle.write(marker, 0, mib, 2 ** 40 - mib)
  await handle.close()
  await tell.run("volume", "create", "--name", "wide", "--size", "1T", "--wait")
  await tell.run("volume", "import", "wide", file)
  const taken = ["--volume", "wide", "--name", "wide-1", "--wait"]
  const snapshot = await tell.run<Snapshot>("snapshot", "create", ...taken)
  const held = snapshot.bytes.exclusive + snapshot.bytes.shared
  const words = `1 TiB with 1 MiB of data at its very end takes ${showSize(held)} on disk`
  tell.show(words, held < 64 * mib)
  const back = join(folder, "tail-back.raw")
  await tell.run("snapshot", "export", "wide-1", back)
  const tail = await readRange(back, 2 ** 40 - mib, mib)
  tell.show("it comes back, bit for bit", tail.equals(marker))
}

async function overview(_: Stage, tell: Narrator): Promise<void> {
  tell.scene("What there is now")
  const { items } = await tell.run<{ items: Snapshot[] }>("snapshot", "list")
  for (const { name, source, consistency, recovery } of items) {
    const kept = recovery ? ", kept by the revert" : ""
    tell.show(`${name}, of a ${source.kind}, ${consistency?.label ?? "crash"}${kept}`, true)
  }
  const doctor = await tell.run<{ items: { severity: string; what: string }[] }>("doctor")
  const wrong = doctor.items.filter((item) => item.severity === "wrong").map((item) => item.what)
  tell.show(
    wrong.length === 0 ? "the doctor finds nothing wrong" : wrong.join("; "),
    wrong.length === 0,
  )
}
