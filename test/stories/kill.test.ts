/**
 * A real server, a real guest that writes on two disks, and all kinds of work on its snapshots;
 * then somebody dies, at a random instant or at a random write to the ledger: the server, QEMU,
 * both, or the daemon that serves a transfer. Started again, they must be as if nobody had.
 *
 * `TINTYPE_SEED` repeats a run, as far as instants can be repeated.
 */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Aftermath } from "../fixtures/aftermath.ts"
import { Chronicle } from "../fixtures/chronicle.ts"
import { allowUserfaults } from "../fixtures/counting-guest.ts"
import { Storm } from "../fixtures/kill-storm.ts"
import { emptyDisks, runFrom } from "../fixtures/numbered-disk.ts"
import { NumberedGuest } from "../fixtures/numbered-guest.ts"
import { daemonsOf, gone, ledgerLog, nthChange, qemuOf, strike } from "../fixtures/own-processes.ts"
import { randomFrom, ServerProcess } from "../fixtures/server-process.ts"

const rounds = Number(
  process.env["TINTYPE_ROUNDS"] ?? (process.env["TINTYPE_LONG"] === "1" ? 204 : 12),
)
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
const victims = ["server", "QEMU", "server", "both", "server", "daemon"] as const
type Victim = (typeof victims)[number]
/** Has nothing in common with the number of victims: each of them meets reverts. */
const revertEvery = 5

let dataDir: string
let server: ServerProcess
let guest: NumberedGuest
let chronicle: Chronicle
let aftermath: Aftermath
let storm: Storm
const seenReverts = new Set<string>()
let passed = false

beforeAll(async () => {
  await allowUserfaults()
  dataDir = await mkdtemp(join(tmpdir(), "tintype kill "))
  await chmod(dataDir, 0o711)
  // Upkeep is always busy.
  await writeFile(join(dataDir, "tintype.toml"), "[upkeep]\nsoftDepth = 4\nhardDepth = 8\n")
  server = new ServerProcess(dataDir)
  await server.start()
  guest = await NumberedGuest.make(server, 128)
  const spare = await server.call("POST", "/api/volumes", { name: "spare", sizeBytes: 2 ** 20 })
  chronicle = new Chronicle(server, guest, runFrom(0, emptyDisks()))
  aftermath = new Aftermath(server, guest, chronicle)
  storm = new Storm(server, { chronicle, spare: (await server.done(spare)).id, random })
  await guest.write(chronicle.run)
}, 180_000)

afterAll(async () => {
  await server.end("SIGTERM")
  const qemu = await qemuOf(dataDir, guest.machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  // What a failure leaves is there to be looked at.
  if (passed) await rm(dataDir, { recursive: true })
  else console.log(`left in ${dataDir}`)
})

test(`somebody dies ${rounds} times (seed ${seed}), and nothing is lost`, async () => {
  for (let round = 0; round < rounds; round += 1) {
    const victim = victims[round % victims.length] ?? "server"
    const name = `round ${round}`
    try {
      await oneRound(name, victim, round % revertEvery === revertEvery - 2)
    } catch (cause) {
      throw new Error(`${name}, ${victim}: ${cause}`, { cause })
    }
  }
  for (const kept of chronicle.ready()) await chronicle.verify(kept)
  expect(chronicle.tally).toMatchObject({ crash: expect.any(Number), memory: expect.any(Number) })
  console.log(`seed ${seed}: ${rounds} kills; snapshots: ${JSON.stringify(chronicle.tally)}`)
  await aftermath.expectNothingLeft()
  passed = true
}, 7_200_000)

async function oneRound(name: string, victim: Victim, reverts: boolean): Promise<void> {
  const boot = await guest.boot()
  const said = (await guest.consoleText()).length
  const done = new AbortController()
  const asked = begin(victim, { name, reverts, signal: done.signal })
  // Whatever comes of it is looked at below, when the deed is done.
  asked.catch(() => {})
  await theMoment(victim)
  await kill(victim)
  done.abort()
  const target = await asked
  if (!server.runs) await server.start()
  const isOn = await aftermath.rest()
  const reverted = await revertOf()
  if (reverted && target === undefined) throw new Error("a revert that nobody asked for")
  if (!isOn) {
    expect(["QEMU", "both"]).toContain(victim)
    await aftermath.switchOn()
  }
  if (reverted && target !== undefined) await aftermath.goOnFrom(target, name, said)
  else await aftermath.goOn(name)
  if (!reverts && ["server", "daemon"].includes(victim)) expect(await guest.boot()).toBe(boot)
  await lookOver(name)
}

type Ordered = { name: string; reverts: boolean; signal: AbortSignal }

async function begin(victim: Victim, { name, reverts, signal }: Ordered) {
  if (victim === "daemon") return void (await storm.transfers(signal))
  if (victim === "both" && !reverts) return void (await storm.burst(name))
  return await storm.round(name, reverts)
}

/**
 * At a write to the ledger or soon after, or at any instant; a daemon's, while there is one. New
 * overlays for the disks tell that they are about to be switched.
 */
async function theMoment(victim: Victim): Promise<void> {
  if (victim === "daemon") {
    while ((await daemonsOf(dataDir)).length === 0) await sleep(2)
    await sleep(random() * 15)
  } else if (victim === "both" && random() < 0.7) {
    await nthChange(join(dataDir, "layers"), 1 + Math.floor(random() * 40), 4_000)
    await sleep(random() * 20)
  } else if (random() < 0.6) {
    await nthChange(join(dataDir, ledgerLog), 1 + Math.floor(random() * 120), 4_000)
    await sleep(random() * 10)
  } else await sleep(random() * 2_000)
}

async function kill(victim: Victim): Promise<void> {
  const qemu = async () => {
    const pid = await qemuOf(dataDir, guest.machine)
    if (pid === undefined) return
    strike(pid, "SIGKILL")
    await gone(pid)
  }
  switch (victim) {
    case "server":
      return await server.end("SIGKILL")
    case "QEMU":
      return await qemu()
    case "daemon":
      for (const pid of await daemonsOf(dataDir)) strike(pid, "SIGKILL")
      return
    case "both":
      if (random() < 0.25) await qemu()
      await server.end("SIGKILL")
      // What the guest is told is safe after the server's death counts as much.
      await sleep(random() * 300)
      return await qemu()
  }
}

/** Whether one was done that was not known before. */
async function revertOf(): Promise<boolean> {
  const all = await server.list("operations", `&targetId=${guest.machine}`)
  const fresh = all.filter(
    ({ id, kind }) => kind === "machine-revert" && !seenReverts.has(String(id)),
  )
  for (const { id } of fresh) seenReverts.add(id)
  return fresh.some(({ state }) => state === "done")
}

async function lookOver(name: string): Promise<void> {
  await chronicle.takeNow(`${name} after`)
  const ready = chronicle.ready()
  for (let few = 0; few < 2; few += 1) {
    const kept = ready[Math.floor(random() * ready.length)]
    if (kept !== undefined) await chronicle.verify(kept)
  }
  for (const kept of ready) if (kept.memory && kept.held === undefined) await chronicle.verify(kept)
  await storm.verify()
  await aftermath.expectSound()
}
