/** What is asked of several snapshots together: where two differ, what some would give back. */
import type { Command } from "commander"
import { leaf, option } from "./leaf.ts"
import { pathOf, resolve } from "./resolve.ts"
import { kinds } from "./resources.ts"
import type { Session } from "./session.ts"
import { printJson } from "./show.ts"
import { showSize } from "./sizes.ts"

type Extent = { offset: number; length: number; zero: boolean }
type VolumeChanges = {
  volumeId: string
  sizeBytes: number
  changedBytes: number
  zeroBytes: number
  extents: Extent[]
}
type Changes = { from: string | null; to: string; volumes: VolumeChanges[]; next: string | null }

/** Where a whole disk is wanted, rather than what became of another. */
const nothing = "-"

export function comparison(noun: Command): void {
  leaf<{ volume?: string }>(noun, {
    words: "diff <from> <to>",
    summary: "say what differs between two snapshots; from - (nothing), what one holds at all",
    example: "tintype snapshot diff monday tuesday -o json",
    options: [option("--volume <volume>", "which of a machine's volumes; default: all")],
    async run(session, [from = "", to = ""], options) {
      const older = from === nothing ? null : await resolve(session, kinds.snapshot, from)
      const newer = await resolve(session, kinds.snapshot, to)
      const volumeId = options.volume && (await resolve(session, kinds.volume, options.volume))
      const pages = pagesOf(session, { older, newer, volumeId })
      await (session.json ? printWhole(pages) : printRows(pages))
    },
  })

  leaf(noun, {
    words: "freed <snapshots...>",
    summary: "say how much deleting these together would give back; deletes nothing",
    example: "tintype snapshot freed monday tuesday",
    async run(session, refs) {
      const snapshotIds: string[] = []
      for (const ref of refs) snapshotIds.push(await resolve(session, kinds.snapshot, ref))
      const path = `${kinds.snapshot.collection}/freed`
      const ask = { method: "POST", path, body: { snapshotIds } } as const
      const { freedIfDeleted } = await session.client.json<{ freedIfDeleted: number }>(ask)
      if (session.json) printJson({ freedIfDeleted })
      else process.stdout.write(`${showSize(freedIfDeleted)} (${freedIfDeleted} bytes)\n`)
    },
  })
}

/** Where both wrote, the server reads and compares before it can say anything. */
const silenceMs = 600_000

type Ends = { older: string | null; newer: string; volumeId: string | undefined }

async function* pagesOf(session: Session, { older, newer, volumeId }: Ends) {
  const path = pathOf(kinds.snapshot, older ?? newer) + (older === null ? "/map" : "/diff")
  const query = { ...(older === null ? {} : { to: newer }), volumeId, limit: 100_000 }
  for (let after: string | undefined; ; ) {
    const ask = { method: "GET", path, query: { ...query, after }, silenceMs } as const
    const page = await session.client.json<Changes>(ask)
    yield page
    if (page.next === null) return
    after = page.next
  }
}

async function printWhole(pages: AsyncIterable<Changes>): Promise<void> {
  let whole: Omit<Changes, "next"> | undefined
  for await (const { from, to, volumes } of pages) {
    whole ??= { from, to, volumes: volumes.map((volume) => ({ ...volume, extents: [] })) }
    for (const [at, { extents }] of volumes.entries()) {
      for (const extent of extents) whole.volumes[at]?.extents.push(extent)
    }
  }
  printJson(whole)
}

/** Bytes to the byte, a page at a time: the list may be long, so that no table is drawn of it. */
async function printRows(pages: AsyncIterable<Changes>): Promise<void> {
  const row = (volume: string, offset: unknown, length: unknown, holds: string) =>
    `${volume.padEnd(36)}  ${String(offset).padStart(14)}  ${String(length).padStart(14)}  ${holds}\n`
  let volumes: VolumeChanges[] | undefined
  for await (const page of pages) {
    if (volumes === undefined) process.stdout.write(row("VOLUME", "OFFSET", "LENGTH", "KIND"))
    volumes = page.volumes
    const rows = volumes.flatMap(({ volumeId, extents }) =>
      extents.map(({ offset, length, zero }) =>
        row(volumeId, offset, length, zero ? "zero" : "data"),
      ),
    )
    process.stdout.write(rows.join(""))
  }
  for (const { volumeId, changedBytes, zeroBytes, sizeBytes } of volumes ?? []) {
    const zeros = zeroBytes === 0 ? "" : `, ${showSize(zeroBytes)} became zeros`
    const words = `${showSize(changedBytes)} of ${showSize(sizeBytes)} changed${zeros}`
    process.stdout.write(`volume ${volumeId}: ${words}\n`)
  }
}
