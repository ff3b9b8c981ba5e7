/**
 * Deleting snapshots of a disk that a guest writes to all the time: how soon it is answered, whether
 * as much space comes back as was told, and what the guest's writes notice of all the work behind.
 */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Benchmark, Finding } from "./benchmark.ts"
import { machineKinds } from "./contenders.ts"
import { nativeClient } from "./rig/face-client.ts"
import { bareFloors } from "./rig/floors.ts"
import { type GuestWrites, inGuest, openGuestWrites } from "./rig/guest-writes.ts"
import { quantile, timed } from "./rig/measure.ts"
import { bytesOf } from "./rig/records.ts"
import { bootMachine, GiB, makeVolume, newName } from "./rig/resources.ts"
import { type Server, startServer } from "./rig/server.ts"

const MiB = 2 ** 20
const device = "/dev/vdb"
const snapshotMiB = 32
const alone = 6
const together = 8
const baselineMs = 5_000
const longestBeyondMs = 250
/** Where the guest writes: apart from what the snapshots hold, and already its head's own. */
const region = { device, firstMiB: 768, sizeMiB: 16 }

export const deletion: Benchmark = {
  about: "snapshots deleted in the middle while their guest writes",
  async *run(stand) {
    const { commit } = bareFloors(stand)
    const server = await startServer(stand)
    for (const kind of machineKinds) {
      stand.say(`booting a ${kind}`)
      const volume = await makeVolume(server.api, { sizeBytes: GiB })
      const machine = await bootMachine(server, { kind, volumeIds: [volume] }, stand.after)
      stand.say(`taking ${alone + together + 2} snapshots, each after ${snapshotMiB} MiB written`)
      const [, ...middle] = await written(server, machine, volume)
      middle.pop()
      const writes = await openGuestWrites(server, machine, region)
      yield* deleting(server, { kind, writes, commit, middle: outwards(middle) })
      await writes.close()
    }
  },
}

/** Each holds what the next one half overwrites. */
async function written(server: Server, machine: string, volume: string): Promise<string[]> {
  const client = nativeClient(server)
  await inGuest(server, machine, `head -c ${snapshotMiB}m /dev/urandom > /run/bytes`)
  const put = (atMiB: number) =>
    `dd if=/run/bytes of=${device} bs=1M seek=${atMiB} conv=notrunc,fsync 2>/dev/null`
  const taken: string[] = []
  for (let nth = 0; nth < alone + together + 2; nth++) {
    await inGuest(server, machine, put((nth * snapshotMiB) / 2))
    taken.push(await client.takeSnapshot(volume, newName()))
  }
  await inGuest(server, machine, put(region.firstMiB))
  return taken
}

/** From the middle to both ends. */
const outwards = (ids: readonly string[]): string[] =>
  ids
    .map((id, nth) => ({ id, off: Math.abs(nth - (ids.length - 1) / 2) }))
    .sort((one, other) => one.off - other.off)
    .map(({ id }) => id)

type Deleting = {
  kind: string
  writes: GuestWrites
  commit(): void
  middle: readonly string[]
}

async function* deleting(
  server: Server,
  { kind, writes, commit, middle }: Deleting,
): AsyncGenerator<Finding> {
  const [answers, commits]: [number[], number[]] = [[], []]
  const space = { told: 0, came: 0 }
  const before = await writes.during(() => sleep(baselineMs))
  const meanwhile = await writes.during(async () => {
    for (const id of middle.slice(0, alone)) {
      commits.push(await timed(commit))
      const { told, came } = await deleteCounting(server, id, answers)
      space.told += told
      space.came += came
    }
    await idle(server)
    await Promise.all(middle.slice(alone).map((id) => deleteOne(server, id, answers)))
    await idle(server)
  })
  const after = await writes.during(() => sleep(baselineMs))
  const quiet = [...before, ...after]
  yield {
    what: `${kind}: DELETE of a snapshot, to its answer`,
    unit: "ms",
    samples: answers.slice(0, alone),
    floor: { what: "bare SQLite commit", samples: commits },
  }
  yield {
    what: `${kind}: ... of ${together} at once`,
    unit: "ms",
    samples: answers.slice(alone),
  }
  yield {
    what: `${kind}: space that came back from ${alone} deleted snapshots`,
    unit: "MiB",
    samples: [space.came / MiB],
    floor: { what: "told as freed before", samples: [space.told / MiB] },
  }
  yield {
    what: `${kind}: a guest's durable write of 4 KiB while ${middle.length} are deleted`,
    unit: "ms",
    samples: meanwhile,
    floor: { what: "the same before and after", samples: quiet },
  }
  const usual = Math.ceil(quantile(quiet, 0.99))
  yield {
    what: `${kind}: ... the longest of them`,
    unit: "ms",
    samples: [Math.max(...meanwhile)],
    floor: { what: "the longest before and after", samples: [Math.max(...quiet)] },
    goal: { of: "p50", atMost: usual + longestBeyondMs },
  }
}

type Going = { operationId: string }

async function deleteOne({ api }: Server, id: string, answers: number[]): Promise<void> {
  let operationId = ""
  const ask = async () => {
    operationId = (await api.ask<Going>("DELETE", `/api/snapshots/${id}`)).operationId
  }
  answers.push(await timed(ask))
  await api.untilDone(operationId)
}

/** What upkeep makes anew right after it does not count. */
async function deleteCounting(server: Server, id: string, answers: number[]) {
  type Shown = { bytes: { freedIfDeleted: number } }
  const { bytes } = await server.api.ask<Shown>("GET", `/api/snapshots/${id}`)
  const room = join(server.dataDir, "layers")
  const there = (await readdir(room)).map((name) => join(room, name))
  const held = () => there.reduce((sum, path) => sum + bytesOf(path), 0)
  const before = held()
  await deleteOne(server, id, answers)
  return { told: bytes.freedIfDeleted, came: before - held() }
}

/** Upkeep begins only after a quiet moment. */
const quietMs = 3_000
const askEveryMs = 50

/** Nothing is under way any more, and nothing comes after it. */
async function idle({ api }: Server): Promise<void> {
  const path = "/api/operations?unended=true&allAccounts=true&limit=1"
  for (let quietFor = 0; quietFor < quietMs; quietFor += askEveryMs) {
    const { items } = await api.ask<{ items: unknown[] }>("GET", path)
    if (items.length > 0) quietFor = 0
    await sleep(askEveryMs)
  }
}
