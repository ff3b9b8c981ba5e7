/**
 * A guest's memory is being written down, and in the middle of it the server dies, QEMU or the disk
 * stands still, the file is taken away, or the disk becomes full. The guest counts on, and the snapshot is
 * whole and can be gone back to, or it failed and nothing is left of it.
 *
 * `TINTYPE_SEED` repeats a run, as far as instants can be repeated.
 */
import { rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Aftermath } from "../fixtures/aftermath.ts"
import { Chronicle, type Kept } from "../fixtures/chronicle.ts"
import { allowUserfaults } from "../fixtures/counting-guest.ts"
import { emptyDisks, runFrom } from "../fixtures/numbered-disk.ts"
import { NumberedGuest } from "../fixtures/numbered-guest.ts"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { randomFrom, ServerProcess } from "../fixtures/server-process.ts"
import { SmallDisk } from "../fixtures/small-disk.ts"

const tries = Number(
  process.env["TINTYPE_ROUNDS"] ?? (process.env["TINTYPE_LONG"] === "1" ? 56 : 8),
)
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
const troubles = [
  "killed",
  "full",
  "stalled",
  "disk stalled",
  "killed",
  "taken",
  "stalled and killed",
  "disk stalled and killed",
] as const
type Trouble = (typeof troubles)[number]
/** Makes the middle long enough. */
const [memoryMiB, ballastMiB] = [512, 160]
/** As often a whole one is gone back to. */
const revertEvery = 2

let disk: SmallDisk
let server: ServerProcess
let guest: NumberedGuest
let chronicle: Chronicle
let aftermath: Aftermath

beforeAll(async () => {
  await allowUserfaults()
  disk = await SmallDisk.mount(2560)
  server = new ServerProcess(disk.dataDir)
  // No quick answer may depend on the low-water mark: the disk is filled on purpose.
  await writeFile(join(disk.dataDir, "tintype.toml"), "[limits]\nlowWater = 0\n")
  await server.start()
  guest = await NumberedGuest.make(server, memoryMiB)
  await guest.shell(`mount -o remount,size=${2 * ballastMiB}m /run`)
  await guest.shell(`head -c ${ballastMiB}m /dev/urandom > /run/ballast`)
  chronicle = new Chronicle(server, guest, runFrom(0, emptyDisks()))
  aftermath = new Aftermath(server, guest, chronicle)
  await guest.write(chronicle.run)
}, 180_000)

afterAll(async () => {
  await server.end("SIGTERM")
  const qemu = await qemuOf(disk.dataDir, guest.machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  await disk.unmount()
})

test(`whatever happens to a memory in ${tries} tries (seed ${seed}), its guest goes on`, async () => {
  const ends: Record<string, number> = {}
  let whole = 0
  for (let number = 0; number < tries; number += 1) {
    const trouble = troubles[number % troubles.length] ?? "killed"
    const name = `try ${number}, ${trouble}`
    try {
      let kept = await oneTry(name, trouble)
      // Whoever comes too late finds it whole, and takes nothing.
      for (let again = 1; trouble === "taken" && kept !== undefined && again < 10; again += 1) {
        await chronicle.remove(kept)
        kept = await oneTry(`${name}, again ${again}`, trouble)
      }
      const end = `${trouble}: ${kept === undefined ? "undone" : "ready"}`
      ends[end] = (ends[end] ?? 0) + 1
      if (kept === undefined) continue
      if (whole % revertEvery === 0) await goBack(kept)
      whole += 1
      await chronicle.remove(kept)
    } catch (cause) {
      throw new Error(`${name}: ${cause}`, { cause })
    }
  }
  console.log(`seed ${seed}: ${JSON.stringify(ends)}`)
  expect(ends["taken: undone"]).toBeGreaterThan(0)
  expect(whole).toBeGreaterThan(0)
  await aftermath.expectNothingLeft()
}, 7_200_000)

/** Resolves with the snapshot, if it became one. */
async function oneTry(
  name: string,
  trouble: Trouble,
): Promise<(Kept & { id: string }) | undefined> {
  const boot = await guest.boot()
  const { kept, answer } = await chronicle.take(name, { memory: true })
  const part = join(disk.dataDir, "memory", `${kept.id}.mem.part`)
  const most = trouble === "taken" ? ballastMiB / 4 : ballastMiB
  await grown(part, random() * most * 2 ** 20, () => server.hasEnded(answer))
  await happen(trouble, part)
  if (!server.runs) await server.start()
  expect(await aftermath.rest()).toBe(true)
  await aftermath.goOn(name)
  expect(await guest.boot()).toBe(boot)
  await aftermath.expectSound()
  const ready = chronicle.ready().find((each) => each.name === name)
  if (ready === undefined) return undefined
  expect(ready.memory).toBe(true)
  await chronicle.verify(ready)
  return ready
}

/** Resolves once so much of the memory is in its file, or it has another name, or never had it. */
async function grown(part: string, bytes: number, over: () => Promise<boolean>): Promise<void> {
  for (let seen = false; ; ) {
    const size = (await stat(part).catch(() => undefined))?.size
    if (size === undefined ? seen || (await over()) : size > bytes) return
    seen = size !== undefined
    await sleep(2)
  }
}

async function happen(trouble: Trouble, part: string): Promise<void> {
  const qemu = (await qemuOf(disk.dataDir, guest.machine)) ?? -1
  if (/^disk stalled/.test(trouble)) return await stall(/killed/.test(trouble))
  const stands = /stalled/.test(trouble)
  if (stands) expect(strike(qemu, "SIGSTOP")).toBe(true)
  if (stands) await sleep(500 + random() * 3_000)
  if (/killed/.test(trouble)) await server.end("SIGKILL")
  if (stands) expect(strike(qemu, "SIGCONT")).toBe(true)
  if (trouble === "taken") await rm(part, { force: true })
  if (trouble !== "full") return
  await disk.fill()
  await sleep(500 + random() * 2_500)
  await disk.giveBack()
}

/** Nobody writes for a while: neither QEMU the memory, nor the server its ledger. */
async function stall(killed: boolean): Promise<void> {
  let end: Promise<void> | undefined
  await disk.standStill()
  try {
    await sleep(500 + random() * 3_000)
    // Who waits in the kernel is gone only when the disk goes on.
    if (killed) end = server.end("SIGKILL")
  } finally {
    await disk.goOn()
  }
  await end
}

/** The guest goes on where it was, as often as one likes. */
async function goBack(to: Kept & { id: string }): Promise<void> {
  const said = (await guest.consoleText()).length
  await server.done(await chronicle.revert(to))
  expect(await aftermath.rest()).toBe(true)
  await aftermath.goOnFrom(to, `${to.name}, back`, said)
  for (const kept of chronicle.ready()) if (kept !== to) await chronicle.remove(kept)
  await server.settled()
}
