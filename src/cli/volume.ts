import type { Command } from "commander"
import { change } from "./change.ts"
import { exportContent, forceOption, formatOption } from "./export.ts"
import { Failure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { inspection, listing } from "./listing.ts"
import { startRemoval } from "./removal.ts"
import { pathOf, resolve, resolveSnapshotOf } from "./resolve.ts"
import { type Kind, kinds, type Resource } from "./resources.ts"
import { parseSize } from "./sizes.ts"
import { openLocal, upload } from "./upload.ts"
import { followAndPrint } from "./work.ts"

export function volumeCommands(noun: Command): void {
  creation(noun)
  listing(noun, kinds.volume)
  inspection(noun, kinds.volume)
  change(noun, kinds.volume)
  content(noun)
  grow(noun)
  revert(noun)

  leaf<{ cascade?: boolean }>(noun, {
    words: "delete <volume>",
    summary: "delete a volume; refused while it has snapshots",
    example: "tintype volume delete data --cascade --wait",
    options: [option("--cascade", "delete its snapshots along with it")],
    works: true,
    async run(session, [ref = ""], options) {
      const query = options.cascade ? { cascade: true } : {}
      await followAndPrint(session, await startRemoval(session, kinds.volume, ref, query), options)
    },
  })
}

type CreateOptions = {
  name: string
  size?: number
  fromSnapshot?: string
  volume?: string
  cloneOf?: string
}

function creation(noun: Command): void {
  leaf<CreateOptions>(noun, {
    words: "create",
    summary: "make an empty volume, or a clone of a snapshot or of another volume",
    example: "tintype volume create --name data --size 10G",
    options: [
      option("--name <name>", "the volume's name").makeOptionMandatory(),
      option("--size <size>", "such as 64M, 10G, 1T").argParser(parseSize),
      option("--from-snapshot <snapshot>", "start as what this snapshot holds"),
      option("--volume <volume>", "of a machine's snapshot, this volume; default: its root"),
      option("--clone-of <volume>", "start as what this volume holds now"),
    ],
    works: true,
    async run(session, _, { name, size, fromSnapshot, volume, cloneOf, ...waiting }) {
      if (size === undefined && fromSnapshot === undefined && cloneOf === undefined) {
        const from = "--from-snapshot S or --clone-of V"
        throw new Failure("usage", `say how large, --size SIZE, or what from, ${from}`)
      }
      const idOf = async (kind: Kind, ref: string | undefined) =>
        ref === undefined ? undefined : await resolve(session, kind, ref)
      const body = {
        name,
        sizeBytes: size,
        snapshotId: await idOf(kinds.snapshot, fromSnapshot),
        volumeId: await idOf(kinds.volume, volume),
        cloneOf: await idOf(kinds.volume, cloneOf),
      }
      const ask = { method: "POST", path: kinds.volume.collection, body } as const
      const accepted = await session.client.json<Resource>(ask)
      const started = { kind: kinds.volume, accepted, doing: `creating volume ${name}` }
      await followAndPrint(session, started, waiting)
    },
  })
}

function content(noun: Command): void {
  leaf<{ format: string }>(noun, {
    words: "import <volume> <file>",
    summary: "replace a volume's content by a file's (- is stdin)",
    example: "tintype volume import data disk.raw",
    options: [formatOption("what the file is; it is never guessed")],
    works: true,
    async run(session, [ref = "", path = ""], { format, timeout }) {
      const file = await openLocal(path)
      const id = await resolve(session, kinds.volume, ref)
      const volume = await upload<Resource>(session, {
        ask: { method: "PUT", path: `${pathOf(kinds.volume, id)}/content` },
        file,
        format,
        doing: `importing ${path}`,
        timeoutMs: timeout,
      })
      await session.printOne(kinds.volume, volume)
    },
  })

  leaf<{ format: string; force?: boolean }>(noun, {
    words: "export <volume> <file>",
    summary: "write a volume's content into a file",
    example: "tintype volume export data disk.raw",
    options: [formatOption("what the file shall be"), forceOption()],
    works: true,
    async run(session, [ref = "", target = ""], options) {
      const id = await resolve(session, kinds.volume, ref)
      const volume = await session.client.json<Resource>({
        method: "GET",
        path: pathOf(kinds.volume, id),
      })
      const sizeBytes = Number(volume["sizeBytes"])
      await exportContent(
        session,
        { kind: kinds.volume, id, target, sizeBytes, query: {} },
        options,
      )
    },
  })
}

function grow(noun: Command): void {
  leaf<{ size: number }>(noun, {
    words: "grow <volume>",
    summary: "make a volume larger; a machine that has it must be off",
    example: "tintype volume grow data --size 20G --wait",
    options: [
      option("--size <size>", "how large it shall be, such as 20G")
        .argParser(parseSize)
        .makeOptionMandatory(),
    ],
    works: true,
    async run(session, [ref = ""], { size: sizeBytes, ...waiting }) {
      const id = await resolve(session, kinds.volume, ref)
      const path = `${pathOf(kinds.volume, id)}/grow`
      const ask = { method: "POST", path, body: { sizeBytes } } as const
      const accepted = await session.client.json<Resource>(ask)
      const doing = `growing volume ${accepted.name ?? ref}`
      await followAndPrint(session, { kind: kinds.volume, accepted, doing }, waiting)
    },
  })
}

function revert(noun: Command): void {
  leaf<{ snapshot: string }>(noun, {
    words: "revert <volume>",
    summary: "go back to a snapshot; what is there now is kept as a recovery snapshot",
    example: "tintype volume revert data --snapshot nightly --wait",
    options: [option("--snapshot <snapshot>", "where to go back to").makeOptionMandatory()],
    works: true,
    async run(session, [ref = ""], options) {
      const volumeId = await resolve(session, kinds.volume, ref)
      const snapshotId = await resolveSnapshotOf(session, { volumeId }, options.snapshot)
      const path = `${pathOf(kinds.volume, volumeId)}/revert`
      const ask = { method: "POST", path, body: { snapshotId } } as const
      const accepted = await session.client.json<Resource>(ask)
      const doing = `reverting volume ${accepted.name ?? ref}`
      await followAndPrint(session, { kind: kinds.volume, accepted, doing }, options)
    },
  })
}
