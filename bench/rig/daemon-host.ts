/**
 * A host whose machines have disks and nothing else: each is a storage daemon of QEMU's, and what
 * a guest would do to its disks is done through NBD. Whatever the service does with open disks is
 * real; the rest is the host's without processes.
 */
import { join } from "node:path"
import type { BlockNode, DiskGraph } from "../../src/domain/disk.ts"
import { type MachineId, newId, type VolumeId } from "../../src/domain/ids.ts"
import type { Host, HostConfig } from "../../src/hosts/host.ts"
import { hostKinds } from "../../src/hosts/registry.ts"
import { addMissing, below, blockGraph } from "../../src/hosts/vm/block-nodes.ts"
import { restackNodes } from "../../src/hosts/vm/restack.ts"
import { type Nbd, openNbd } from "../../src/platform/nbd.ts"
import { oneAtATime } from "../../src/platform/one-at-a-time.ts"
import { endProcess, spawnDetached } from "../../src/platform/process.ts"
import { openQmp, type Qmp } from "../../src/platform/qmp.ts"
import type { Stand } from "../benchmark.ts"
import { timed } from "./measure.ts"

export interface DaemonHost {
  readonly host: Host
  /** A disk that a machine has, under the volume's name for as long as it has it. */
  disk(volume: VolumeId): OpenDisk
}

export interface OpenDisk {
  readonly nbd: Nbd
  /** For QEMU's programs. */
  readonly uri: string
  /** Layers below the one that is written to. */
  layersBelow(): Promise<number>
}

const connectWithinMs = 20_000
const answersWithinMs = 60_000

type Daemon = { qmp: Qmp; socket: string; end(): Promise<void> }
type Disk = { daemon: Daemon; nbd: Nbd; top: string }

export async function openDaemonHost(
  config: HostConfig,
  { after }: Pick<Stand, "after">,
): Promise<DaemonHost> {
  const daemons = new Map<MachineId, Daemon>()
  const disks = new Map<VolumeId, Disk>()
  const without = await hostKinds.memory(config)
  const daemonOf = (machine: MachineId): Daemon => {
    const daemon = daemons.get(machine)
    if (daemon === undefined) throw new Error(`machine ${machine} has no storage daemon`)
    return daemon
  }
  const diskOf = (volume: VolumeId): Disk => {
    const disk = disks.get(volume)
    if (disk === undefined) throw new Error(`no machine has volume ${volume}`)
    return disk
  }
  const addDisk = async (daemon: Daemon, { volume, nodes, top }: DiskGraph) => {
    await addMissing(daemon.qmp, nodes)
    const about = { type: "nbd", id: exportId(volume), name: volume, writable: true }
    await daemon.qmp.execute("block-export-add", { ...about, "node-name": top })
    const nbd = await openNbd(daemon.socket, { export: volume, withinMs: answersWithinMs })
    disks.set(volume, { daemon, nbd, top })
  }
  const end = async (machine: MachineId) => {
    const daemon = daemons.get(machine)
    daemons.delete(machine)
    for (const [volume, disk] of disks) if (disk.daemon === daemon) disks.delete(volume)
    await daemon?.end()
  }
  after(async () => {
    for (const machine of daemons.keys()) await end(machine)
  })

  // As in any host, what adds and removes nodes goes one after the other.
  const turn = oneAtATime()
  const host: Host = {
    ...without,
    async start(order) {
      const started = await without.start(order)
      if (daemons.has(order.machine)) return started
      const daemon = await startDaemon(config)
      daemons.set(order.machine, daemon)
      for (const { graph } of order.disks) await addDisk(daemon, graph)
      return started
    },
    async stop(machine, graceMs) {
      await without.stop(machine, graceMs)
      await end(machine)
    },
    async attach(machine, slot, graph) {
      await without.attach(machine, slot, graph)
      if (!disks.has(graph.volume)) await addDisk(daemonOf(machine), graph)
    },
    topNode: async (_, volume) => disks.get(volume)?.top ?? null,
    async switchDisks(machine, switches) {
      const { qmp } = daemonOf(machine)
      return await turn(async () => {
        const pending = switches.filter(({ volume, to }) => diskOf(volume).top !== to)
        await addMissing(qmp, nodesOf(pending))
        const actions = pending.flatMap((one) => one.actions)
        const pauseMs = await timed(() => qmp.execute("transaction", { actions }))
        for (const { volume, to } of pending) diskOf(volume).top = to
        return { pauseMs, skewMs: 0 }
      })
    },
    async restack(restack) {
      for (const { qmp } of daemons.values()) await turn(() => restackNodes(qmp, restack))
    },
  }
  return { host, disk: (volume) => openDisk(volume, () => diskOf(volume)) }
}

const nodesOf = (switches: readonly { nodes: readonly BlockNode[] }[]): BlockNode[] =>
  switches.flatMap(({ nodes }) => nodes)

/** QEMU takes names of at most 31 characters, and they begin with a letter. */
const exportId = (volume: VolumeId) => `e${volume.replaceAll("-", "").slice(-30)}`

function openDisk(volume: VolumeId, found: () => Disk): OpenDisk {
  const { nbd, daemon } = found()
  return {
    nbd,
    uri: `nbd+unix:///${volume}?socket=${daemon.socket}`,
    async layersBelow() {
      const graph = await blockGraph(daemon.qmp)
      const backings = { ...graph, edges: graph.edges.filter(({ as }) => as === "backing") }
      return below(backings, [found().top]).size - 1
    },
  }
}

async function startDaemon({ dataDir, user }: HostConfig): Promise<Daemon> {
  const name = `transfers/bench-${newId().slice(-12)}`
  const process = await spawnDetached({
    argv: [
      "qemu-storage-daemon",
      ...["--chardev", `socket,id=qmp,path=${name}.qmp,server=on,wait=off`],
      ...["--monitor", "chardev=qmp"],
    ],
    cwd: dataDir,
    user,
    logFile: join(dataDir, "daemon.log"),
  })
  try {
    const qmp = await openQmp(join(dataDir, `${name}.qmp`), { connectWithinMs })
    const addr = { type: "unix", data: { path: `${name}.nbd` } }
    await qmp.execute("nbd-server-start", { addr })
    const socket = join(dataDir, `${name}.nbd`)
    return { qmp, socket, end: () => endProcess(process, 0) }
  } catch (cause) {
    await endProcess(process, 0)
    throw cause
  }
}
