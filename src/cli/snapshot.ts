import type { Command } from "commander"
import type { Query } from "./client.ts"
import { exportContent, forceOption, formatOption } from "./export.ts"
import { Failure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { type AllAccounts, allAccounts, inspection, printList } from "./listing.ts"
import { removeAll } from "./removal.ts"
import { pathOf, resolve } from "./resolve.ts"
import { kinds, type Resource, type Snapshot } from "./resources.ts"
import type { Session } from "./session.ts"
import { printable } from "./show.ts"
import { comparison } from "./snapshot-space.ts"
import { drawForest, plantForest } from "./snapshot-tree.ts"
import { followAndPrint } from "./work.ts"

export function snapshotCommands(noun: Command): void {
  creation(noun)
  listings(noun)
  inspection(noun, kinds.snapshot)
  content(noun)
  comparison(noun)

  leaf(noun, {
    words: "delete <snapshots...>",
    summary: "delete snapshots; their bytes go in the background",
    example: "tintype snapshot delete nightly-1 nightly-2 --wait",
    works: true,
    async run(session, refs, options) {
      await removeAll(session, kinds.snapshot, refs, options)
    },
  })
}

type Source = { machine?: string; volume?: string }
const sourceOptions = () => [
  option("--machine <machine>", "of a machine: all its volumes at one instant"),
  option("--volume <volume>", "of one volume").conflicts("machine"),
]

async function sourceOf(session: Session, { machine, volume }: Source): Promise<Query> {
  if (machine !== undefined) return { machineId: await resolve(session, kinds.machine, machine) }
  if (volume !== undefined) return { volumeId: await resolve(session, kinds.volume, volume) }
  return {}
}

function creation(noun: Command): void {
  leaf<Source & { name: string; memory?: boolean; quiesce?: boolean }>(noun, {
    words: "create",
    summary: "take a snapshot, running or not",
    example: "tintype snapshot create --machine web --name before-upgrade --wait",
    options: [
      ...sourceOptions(),
      option("--name <name>", "the snapshot's name").makeOptionMandatory(),
      option("--memory", "keep the running machine's memory too"),
      option("--quiesce", "ask the guest to hold its file systems still meanwhile"),
    ],
    works: true,
    async run(session, _, options) {
      const source = await sourceOf(session, options)
      if (Object.keys(source).length === 0) {
        throw new Failure("usage", "say of what: --machine M or --volume V")
      }
      const { name, memory, quiesce } = options
      const body = { name, ...source, memory, quiesce }
      const ask = { method: "POST", path: kinds.snapshot.collection, body } as const
      const accepted = await session.client.json<Resource>(ask)
      const started = { kind: kinds.snapshot, accepted, doing: `taking snapshot ${name}` }
      const { consistency } = await followAndPrint(session, started, options)
      const note = (consistency as Snapshot["consistency"] | undefined)?.note
      if (note) session.say(`note: ${printable(note)}`)
    },
  })
}

function listings(noun: Command): void {
  leaf<Source & AllAccounts>(noun, {
    words: "list",
    summary: "list the snapshots",
    example: "tintype snapshot list --machine web",
    options: [...sourceOptions(), allAccounts()],
    async run(session, _, options) {
      await printList(session, kinds.snapshot, options, await sourceOf(session, options))
    },
  })

  leaf<Source & AllAccounts>(noun, {
    words: "tree",
    summary: "draw which snapshot grew out of which",
    example: "tintype snapshot tree --machine web",
    options: [...sourceOptions(), allAccounts()],
    async run(session, _, options) {
      const everywhere = options.allAccounts ? { allAccounts: true } : {}
      const query = { ...(await sourceOf(session, options)), ...everywhere }
      const snapshots = await session.client.all<Snapshot>(kinds.snapshot.collection, query)
      const forest = plantForest(snapshots)
      if (session.json) await session.printAll(kinds.snapshot, forest)
      else process.stdout.write(drawForest(forest, Date.now()))
    },
  })
}

function content(noun: Command): void {
  leaf<{ format: string; force?: boolean; volume?: string }>(noun, {
    words: "export <snapshot> <file>",
    summary: "write what a snapshot holds of a volume into a file",
    example: "tintype snapshot export nightly disk.raw",
    options: [
      formatOption("what the file shall be"),
      option("--volume <volume>", "which of a machine's volumes; default: its root volume"),
      forceOption(),
    ],
    works: true,
    async run(session, [ref = "", target = ""], options) {
      const id = await resolve(session, kinds.snapshot, ref)
      const path = pathOf(kinds.snapshot, id)
      const snapshot = await session.client.json<Snapshot>({ method: "GET", path })
      const volumeId = options.volume && (await resolve(session, kinds.volume, options.volume))
      const point =
        snapshot.points.find((it) => (volumeId ? it.volumeId === volumeId : it.role === "root")) ??
        (volumeId ? undefined : snapshot.points[0])
      if (point === undefined) {
        throw new Failure("notFound", `snapshot ${ref} holds nothing of that volume`)
      }
      const what = { kind: kinds.snapshot, id, target, sizeBytes: point.sizeBytes }
      await exportContent(session, { ...what, query: volumeId ? { volumeId } : {} }, options)
    },
  })
}
