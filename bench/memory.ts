/**
 * A snapshot of a running guest with its memory, beside QEMU told by hand to do what it takes: how
 * long the guest stands still, how long all of it takes, how large it is; and going back to one.
 */
import { stat } from "node:fs/promises"
import { join } from "node:path"
import type { Benchmark, Finding } from "./benchmark.ts"
import { type BareGuest, bareGuest, type Kept } from "./rig/bare-guest.ts"
import { beBusy, firstTick } from "./rig/busy-guest.ts"
import { inGuest } from "./rig/guest-writes.ts"
import { takeTurns, timed } from "./rig/measure.ts"
import { bootMachine, GiB, makeVolume, newName } from "./rig/resources.ts"
import { type Server, startServer } from "./rig/server.ts"

const captureRounds = 16
const restoreRounds = 6
const MiB = 2 ** 20

export const memory: Benchmark = {
  about: "a snapshot with memory of a busy guest of 256 MiB, and going back to it",
  async *run(stand) {
    stand.say("booting a guest under the service, and one of QEMU's own")
    const server = await startServer(stand)
    const volumeIds = [await makeVolume(server.api, { sizeBytes: GiB })]
    const machine = await bootMachine(server, { kind: "vm", volumeIds }, stand.after)
    await inGuest(server, machine, beBusy)
    const bare = await bareGuest(stand)
    yield* captures(server, machine, bare)
    const last = await capture(server, machine)
    await bare.end()
    yield* restores(server, { machine, snapshotId: last.id }, bare)
  },
}

async function* captures(
  server: Server,
  machine: string,
  bare: BareGuest,
): AsyncGenerator<Finding> {
  const [ours, floors]: [Kept[], Kept[]] = [[], []]
  await takeTurns(captureRounds, {
    ours: async () => void ours.push(await capture(server, machine)),
    floor: async () => void floors.push(await bare.keepMemory()),
  })
  // Warming up counts for nothing.
  const of = (one: keyof Kept, all: readonly Kept[]) =>
    all.slice(-captureRounds).map((kept) => (one === "bytes" ? kept[one] / MiB : kept[one]))
  const what = "memory snapshot of a busy guest with 2 disks"
  const by = "stop, transaction, migrate by hand"
  yield {
    what: `${what}: how long it stands still`,
    unit: "ms",
    samples: of("pauseMs", ours),
    floor: { what: by, samples: of("pauseMs", floors) },
    goal: { of: "ratio", atMost: 1.5 },
  }
  yield {
    what: `${what}: POST to ready, the guest going on`,
    unit: "ms",
    samples: of("totalMs", ours),
    floor: { what: `${by}, flushed`, samples: of("totalMs", floors) },
  }
  yield {
    what: `${what}: the memory's size on disk`,
    unit: "MiB",
    samples: of("bytes", ours),
    floor: { what: by, samples: of("bytes", floors) },
  }
}

type Started = { id: string; operationId: string }

async function capture(
  { api, dataDir }: Server,
  machineId: string,
): Promise<Kept & { id: string }> {
  const wish = { name: newName(), machineId, memory: true }
  let id = ""
  const totalMs = await timed(async () => {
    const started = await api.ask<Started>("POST", "/api/snapshots", wish)
    await api.untilDone(started.operationId)
    id = started.id
  })
  type Taken = { consistency: { label: string; pauseMs: number; note: string | null } }
  const { consistency } = await api.ask<Taken>("GET", `/api/snapshots/${id}`)
  const { label, pauseMs, note } = consistency
  // One that stood still all the time is another thing than what is measured beside it.
  if (label !== "memory" || note !== null) throw new Error(`it is of kind ${label}: ${note}`)
  const { blocks } = await stat(join(dataDir, "memory", `${id}.mem`))
  return { id, pauseMs, totalMs, bytes: blocks * 512 }
}

/** Of a machine that is off: how long a running one takes to end is told apart. */
async function* restores(
  server: Server,
  { machine, snapshotId }: { machine: string; snapshotId: string },
  bare: BareGuest,
): AsyncGenerator<Finding> {
  const { dataDir } = server
  const console = join(dataDir, "machines", machine, "console.log")
  const [ended, ticked]: [number[], number[]] = [[], []]
  const floors: { loadedMs: number; tickMs: number }[] = []
  await takeTurns(restoreRounds, {
    async ours() {
      ended.push(await timed(() => begin(server, machine, "stop", { hard: true })))
      const began = performance.now()
      const heard = firstTick(console).then(() => ticked.push(performance.now() - began))
      // biome-ignore lint/suspicious/noThenProperty: the wire's word; its value is never a function
      await begin(server, machine, "revert", { snapshotId, then: "start" })
      await heard
    },
    floor: async () => void floors.push(await bare.goOn()),
  })
  const what = "back to a memory snapshot, POST to the guest's first tick"
  const counting = -restoreRounds
  const found = { unit: "ms", samples: ticked.slice(counting) } as const
  const loaded = floors.slice(counting).map(({ loadedMs }) => loadedMs)
  const tick = floors.slice(counting).map(({ tickMs }) => tickMs)
  yield { ...found, what, floor: { what: "bare QEMU, start to first tick", samples: tick } }
  yield {
    ...{ ...found, what },
    floor: { what: "bare QEMU, start to loaded", samples: loaded },
    goal: { of: "ratio", atMost: 2 },
  }
  yield {
    what: "a running machine stopped hard before",
    unit: "ms",
    samples: ended.slice(counting),
  }
}

async function begin({ api }: Server, machine: string, verb: string, wish: object): Promise<void> {
  const path = `/api/machines/${machine}/${verb}`
  const { operationId } = await api.ask<Started>("POST", path, wish)
  await api.untilDone(operationId)
}
