/**
 * The server dies while it has a guest hold its file systems still, which takes this guest long.
 * Nobody is left to let it go, and its agent may freeze it only after the server's death. The next
 * server lets it go, and says of the snapshot what it is: file systems held still, or not.
 *
 * `TINTYPE_SEED` repeats a run, as far as instants can be repeated.
 */
import { execFile } from "node:child_process"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Aftermath } from "../fixtures/aftermath.ts"
import { Chronicle, type Kept } from "../fixtures/chronicle.ts"
import { emptyDisks, runFrom } from "../fixtures/numbered-disk.ts"
import { NumberedGuest } from "../fixtures/numbered-guest.ts"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { randomFrom, ServerProcess } from "../fixtures/server-process.ts"

const tries = Number(
  process.env["TINTYPE_ROUNDS"] ?? (process.env["TINTYPE_LONG"] === "1" ? 30 : 4),
)
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
/** How long the guest takes before it is frozen, and before it says that it is let go. */
const [freezeS, thawS] = [5, 0.5]
/**
 * `early`: the next server is there before the guest is frozen, or nearly so; `frozen`: it finds a
 * guest that has been for a while; `any`: before, at the snapshot, or after.
 */
const deaths = ["early", "frozen", "any", "frozen"] as const

let dataDir: string
let server: ServerProcess
let guest: NumberedGuest
let chronicle: Chronicle
let aftermath: Aftermath
let passed = false

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tintype frozen "))
  await chmod(dataDir, 0o711)
  server = new ServerProcess(dataDir)
  await server.start()
  guest = await NumberedGuest.make(server, 128)
  chronicle = new Chronicle(server, guest, runFrom(0, emptyDisks()))
  aftermath = new Aftermath(server, guest, chronicle)
  await guest.write(chronicle.run)
  await guest.shell(
    `printf '#!/bin/sh\\necho hook $1. > /dev/ttyS0\\n[ $1 = freeze ] && sleep ${freezeS} || sleep ${thawS}\\n' > /etc/slow
     chmod +x /etc/slow
     sed -i 's/--statedir/--fsfreeze-hook=\\/etc\\/slow --statedir/' /etc/agent`,
  )
  // The agent may be gone before it has said that it did as it was told.
  await guest.shell("(sleep 0.2; killall qemu-ga) > /dev/null 2>&1 &").catch(() => "")
  const hooked = () => guest.shell("ps | grep 'qemu-ga.*[f]sfreeze-hook'").catch(() => "")
  while ((await hooked()) === "") await sleep(100)
  // Its file system always has work left to do, unless it is frozen; and it tells of its work.
  const work = "n=$((n+1)); echo $n > /busy; sync; echo file $n. > /dev/ttyS0"
  await guest.shell(`(n=0; while :; do ${work}; usleep 20000; done) > /dev/null 2>&1 &`)
}, 180_000)

afterAll(async () => {
  await server.end("SIGTERM")
  const qemu = await qemuOf(dataDir, guest.machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  if (passed) await rm(dataDir, { recursive: true })
  else console.log(`left in ${dataDir}`)
})

test(`whoever froze the guest dies ${tries} times (seed ${seed}), and it is let go`, async () => {
  const ends: Record<string, number> = {}
  for (let number = 0; number < tries; number += 1) {
    const name = `try ${number}`
    try {
      const when = deaths[number % deaths.length] ?? "early"
      const { kept, found } = await oneTry(name, when)
      const end = `${when}, ${found}: ${kept === undefined ? "undone" : await truth(kept)}`
      ends[end] = (ends[end] ?? 0) + 1
    } catch (cause) {
      throw new Error(`${name}: ${cause}`, { cause })
    }
  }
  console.log(`seed ${seed}: ${JSON.stringify(ends)}`)
  await aftermath.expectNothingLeft()
  passed = true
}, 3_600_000)

async function oneTry(name: string, when: (typeof deaths)[number]) {
  const boot = await guest.boot()
  const before = await freezes()
  const { answer } = await chronicle.take(name, { quiesce: true })
  // Whoever looks too late finds it let go already.
  while ((await freezes()) === before && !(await server.hasEnded(answer))) await sleep(5)
  const frozen = when === "frozen" && !(await server.hasEnded(answer))
  await sleep(random() * (when === "any" ? freezeS + thawS : 1) * 1_000)
  await server.end("SIGKILL")
  // The agent goes on with what it was told, and whoever told it is gone.
  const deadline = performance.now() + 60_000
  let found = "not seen frozen"
  while (frozen && found !== "frozen" && performance.now() < deadline) {
    if (await isFrozen(2_000)) found = "frozen"
  }
  await server.start()
  expect(await aftermath.rest()).toBe(true)
  // A freeze that was only begun by then would have come to its end.
  await sleep(freezeS * 1_000)
  expect(await isFrozen(60_000)).toBe(false)
  await aftermath.goOn(name)
  expect(await guest.boot()).toBe(boot)
  await aftermath.expectSound()
  const kept = chronicle.ready().find((each) => each.name === name)
  if (kept !== undefined) await chronicle.verify(kept)
  return { kept, found }
}

/** How often its agent has begun to freeze it. */
const freezes = async () => (await guest.consoleText()).split("hook freeze").length - 1

/** It works on no file of its own for so long; a guest that is only slow does so before. */
async function isFrozen(forMs: number): Promise<boolean> {
  const lines = async () => (await guest.consoleText()).split("file ").length
  const before = await lines()
  for (const until = performance.now() + forMs; performance.now() < until; ) {
    await sleep(50)
    if ((await lines()) > before + 1) return false
  }
  return true
}

/** The label, which must not promise what the disk does not keep. */
async function truth({ id }: Kept & { id: string }): Promise<string> {
  const { consistency } = (await server.call("GET", `/api/snapshots/${id}`)).body
  if (consistency.label === "filesystem") {
    expect(consistency).toMatchObject({ note: null, freezeMs: expect.any(Number) })
    const image = join(dataDir, "examined.img")
    await writeFile(image, await server.bytes(`/api/snapshots/${id}/content?format=raw`))
    expect(await features(image)).not.toContain("needs_recovery")
    await rm(image)
  } else expect(consistency.note).toEqual(expect.any(String))
  return consistency.label
}

async function features(image: string): Promise<string> {
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` }
  return (await promisify(execFile)("dumpe2fs", ["-h", image], { env })).stdout
}
