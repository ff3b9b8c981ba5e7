/**
 * A snapshot of a disk that a running machine has, beside QEMU's own switch; and what the guest
 * notices of a snapshot of all its disks.
 */
import type { Benchmark, Finding } from "./benchmark.ts"
import { faceClients, machineKinds } from "./contenders.ts"
import { bareSwitch } from "./rig/bare-switch.ts"
import { takeTurns } from "./rig/measure.ts"
import { bootMachine, GiB, makeVolume, newName } from "./rig/resources.ts"
import { type Server, startServer } from "./rig/server.ts"
import { openTicks, type Ticks } from "./rig/ticks.ts"

/** Each snapshot makes the disk's chain one layer longer, here and on the floor. */
const rounds = 16
const windows = 16

export const attached: Benchmark = {
  about: "a snapshot of a disk of a running machine, and the guest's gap",
  async *run(stand) {
    const server = await startServer(stand)
    for (const kind of machineKinds) {
      stand.say(`booting a ${kind}`)
      const volumeIds = [await makeVolume(server.api, { sizeBytes: GiB })]
      const machine = await bootMachine(server, { kind, volumeIds }, stand.after)
      const ticks = await openTicks(server, machine)
      yield* guestGaps(server, { kind, machine, ticks })
      await ticks.close()
      for (const face of Object.keys(faceClients) as (keyof typeof faceClients)[]) {
        // Disks of their own, whose chains are as short as their floors'.
        const volume = await makeVolume(server.api, { sizeBytes: GiB })
        await attach(server, machine, volume)
        yield* snapshots(server, { face, kind, volume, bare: await bareSwitch(stand) })
      }
    }
  },
}

type Switched = {
  face: keyof typeof faceClients
  kind: string
  volume: string
  bare: () => Promise<number>
}

async function* snapshots(server: Server, { face, kind, volume, bare }: Switched) {
  const client = faceClients[face](server)
  const names = new Set<string>()
  const take = async () => {
    const name = newName()
    names.add(name)
    await client.takeSnapshot(volume, name)
  }
  const switched: number[] = []
  const times = await takeTurns(rounds, {
    take,
    floor: async () => void switched.push(await bare()),
  })
  const floor = { what: "blockdev-snapshot of a storage daemon", samples: switched }
  const whole: Finding = {
    what: `${face} face: snapshot of an idle ${kind}'s disk, POST to ready`,
    unit: "ms",
    samples: times.take,
    floor,
  }
  yield whole
  const held: Finding = {
    what: `${face} face: ... of which the disk is held still`,
    unit: "ms",
    samples: await pausesOf(server, volume, names),
    floor,
    goal: { of: "ratio", atMost: 2 },
  }
  yield held
}

/** By name, for each face has its own word for the id. */
async function pausesOf({ api }: Server, volume: string, names: Set<string>): Promise<number[]> {
  type Taken = { name: string; consistency: { pauseMs: number } | null }
  const path = `/api/snapshots?volumeId=${volume}&limit=1000`
  const { items } = await api.ask<{ items: Taken[] }>("GET", path)
  return items
    .filter(({ name }) => names.has(name))
    .map(({ name, consistency }) => {
      if (consistency === null) throw new Error(`snapshot ${name} says nothing of its pause`)
      return consistency.pauseMs
    })
}

/**
 * Root disk and extra disk, switched together while the guest prints all the time. On a small
 * machine our own work takes the processor from the guest, disks or no disks; a snapshot of a
 * detached volume shows how much of the gap that is.
 */
async function* guestGaps(
  server: Server,
  { kind, machine, ticks }: { kind: string; machine: string; ticks: Ticks },
): AsyncGenerator<Finding> {
  const elsewhere = await makeVolume(server.api, { sizeBytes: GiB })
  const gaps = { quiet: [] as number[], switched: [] as number[], busy: [] as number[] }
  const window = (name: keyof typeof gaps, wish?: object) => async () => {
    const work = wish === undefined ? undefined : () => takeSnapshot(server, wish)
    gaps[name].push(await ticks.worstGapMs(work))
  }
  await takeTurns(windows, {
    quiet: window("quiet"),
    switched: window("switched", { machineId: machine }),
    busy: window("busy", { volumeId: elsewhere }),
  })
  const found = {
    what: `${kind}: longest gap between a guest's ticks around a snapshot of 2 disks`,
    unit: "ms",
    samples: gaps.switched,
  } as const
  yield {
    ...found,
    floor: { what: "the same without a snapshot", samples: gaps.quiet },
    goal: { of: "ratio", atMost: 1.5 },
  }
  const busy = "the same around one of a detached volume"
  yield { ...found, floor: { what: busy, samples: gaps.busy } }
}

async function attach({ api }: Server, machine: string, volumeId: string): Promise<void> {
  const path = `/api/machines/${machine}/attach`
  const { operationId } = await api.ask<{ operationId: string }>("POST", path, { volumeId })
  await api.untilDone(operationId)
}

async function takeSnapshot({ api }: Server, source: object): Promise<void> {
  const wish = { name: newName(), ...source }
  const { operationId } = await api.ask<{ operationId: string }>("POST", "/api/snapshots", wish)
  await api.untilDone(operationId)
}
