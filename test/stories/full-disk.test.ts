/**
 * A disk fills up to the last byte under a real server and its guest, at a random instant of a
 * snapshot, a memory, a merge, an import, a clone or a deletion, and the ledger is on it too.
 * Whoever is refused hears why; the guest waits and is not harmed; and when there is space again
 * everything goes on by itself.
 *
 * `TINTYPE_SEED` repeats a run, as far as instants can be repeated.
 */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Aftermath } from "../fixtures/aftermath.ts"
import { Chronicle } from "../fixtures/chronicle.ts"
import { allowUserfaults } from "../fixtures/counting-guest.ts"
import { emptyDisks, runFrom } from "../fixtures/numbered-disk.ts"
import { NumberedGuest } from "../fixtures/numbered-guest.ts"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { type Answer, randomFrom, ServerProcess } from "../fixtures/server-process.ts"
import { SmallDisk } from "../fixtures/small-disk.ts"

const works = ["plain", "memory", "merge", "import", "delete", "clone"] as const
type Work = (typeof works)[number]
const tries = Number(
  process.env["TINTYPE_ROUNDS"] ?? (process.env["TINTYPE_LONG"] === "1" ? 36 : works.length),
)
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const random = randomFrom(seed)
const mib = 2 ** 20

let disk: SmallDisk
let server: ServerProcess
let guest: NumberedGuest
let chronicle: Chronicle
let aftermath: Aftermath
let spare: string
/** What the spare volume may hold. */
let contents = [0]

beforeAll(async () => {
  await allowUserfaults()
  disk = await SmallDisk.mount(1024)
  server = new ServerProcess(disk.dataDir)
  // Nothing is kept free, so that it is the disk itself that refuses; and upkeep is always busy.
  const settings = "[limits]\nlowWater = 0\n[upkeep]\nsoftDepth = 2\nhardDepth = 8\n"
  await writeFile(join(disk.dataDir, "tintype.toml"), settings)
  await server.start()
  guest = await NumberedGuest.make(server, 128)
  const wish = { name: "spare", sizeBytes: mib }
  spare = (await server.done(await server.call("POST", "/api/volumes", wish))).id
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

test(`a disk fills up ${tries} times (seed ${seed}), and nothing is lost`, async () => {
  const ends: Record<string, number> = {}
  for (let number = 0; number < tries; number += 1) {
    const work = works[number % works.length] ?? "plain"
    const name = `try ${number}, ${work}`
    try {
      const end = `${work}: ${await oneTry(name, work)}`
      ends[end] = (ends[end] ?? 0) + 1
    } catch (cause) {
      throw new Error(`${name}: ${cause}`, { cause })
    }
  }
  console.log(`seed ${seed}: ${JSON.stringify(ends)}`)
  await aftermath.expectNothingLeft()
}, 7_200_000)

async function oneTry(name: string, work: Work): Promise<string> {
  const boot = await guest.boot()
  for (const which of ["a", "b", "c"]) await chronicle.takeNow(`${name} ${which}`)
  await server.settled()
  const asked = begin(work, name)
  asked.catch(() => {})
  await sleep(random() * 300)
  await disk.fill()
  // Some is asked for when it is full already.
  const late = [await snapshot(`${name} late`), await put()]
  await sleep(random() * 4_000)
  await expectReadable()
  await disk.giveBack()
  const answers = [...(await asked), ...late]
  for (const each of answers) expectClear(each)
  expect(await aftermath.rest()).toBe(true)
  await aftermath.goOn(name)
  expect(await guest.boot()).toBe(boot)
  await aftermath.expectSound()
  await chronicle.takeNow(`${name} after`)
  for (const kept of chronicle.ready()) await chronicle.verify(kept)
  await expectSpare()
  await tidy()
  return await endOf(answers[0])
}

/** What was asked for, with the answers. */
async function begin(work: Work, name: string): Promise<Answer[]> {
  switch (work) {
    case "plain":
      return [await snapshot(name)]
    case "memory":
      return [await snapshot(name, { memory: true })]
    case "import":
      return [await put()]
    case "clone": {
      const [of] = chronicle.ready()
      const volumeId = guest.volumes.B
      const wish = { name: `clone ${name}`, snapshotId: of?.id, volumeId }
      return [await server.call("POST", "/api/volumes", wish)]
    }
    default: {
      const going = chronicle.ready().slice(0, work === "merge" ? 3 : 1)
      const answers = []
      for (const kept of going) {
        kept.going = "asked"
        const answer = await server.call("DELETE", `/api/snapshots/${kept.id}`)
        if (answer.status === 202) kept.going = "accepted"
        answers.push(answer)
      }
      return answers
    }
  }
}

async function snapshot(name: string, how: { memory?: true } = {}): Promise<Answer> {
  const taken = await chronicle.take(name, how).catch((cause: Error) => cause)
  if (!(taken instanceof Error)) return taken.answer
  const body = JSON.parse(taken.message.slice(name.length + 2))
  return { status: body.status, body }
}

async function put(): Promise<Answer> {
  const byte = 1 + Math.floor(random() * 255)
  contents.push(byte)
  return await server.call(
    "PUT",
    `/api/volumes/${spare}/content?format=raw`,
    Buffer.alloc(mib, byte),
  )
}

async function expectSpare(): Promise<void> {
  const bytes = await server.bytes(`/api/volumes/${spare}/content?format=raw`)
  const [first = -1] = bytes
  expect(contents).toContain(first)
  expect(bytes.equals(Buffer.alloc(mib, first))).toBe(true)
  contents = [first]
}

/** Reading needs no space. */
async function expectReadable(): Promise<void> {
  for (const path of ["/api/doctor", `/api/machines/${guest.machine}`, "/api/snapshots"]) {
    expect((await server.call("GET", path)).status).toBe(200)
  }
  // The ledger cannot be written at times, and it says so.
  expect((await server.call("GET", "/readyz")).status).toBeOneOf([200, 503])
}

/** Done, or refused in words that name the reason. */
function expectClear({ status, body }: Answer): void {
  if ([200, 202].includes(status)) return
  expect({ status, body }).toMatchObject({
    status: 507,
    body: { title: "Not enough space", detail: expect.stringMatching(/bytes|space/) },
  })
}

async function endOf(answer: Answer | undefined): Promise<string> {
  const id = answer?.body.operationId
  if (id === undefined) return `${answer?.status}`
  const { state, reason } = await server.ended(id)
  if (state === "undone") expect(reason).toMatch(/space|interrupted/)
  return state
}

/** Few stay, so that there is room for what comes. */
async function tidy(): Promise<void> {
  for (const kept of chronicle.ready().slice(0, -2)) await chronicle.remove(kept)
  for (const { id, name } of await server.list("volumes")) {
    if (!name.startsWith("clone ")) continue
    await server.done(await server.call("DELETE", `/api/volumes/${id}`))
  }
  await server.settled()
  await chronicle.reconcile()
}
