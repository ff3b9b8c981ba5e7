/** `export`, the same for volumes and snapshots: their content into a file. */
import type { Option } from "commander"
import type { Query } from "./client.ts"
import { download } from "./download.ts"
import { Failure } from "./failure.ts"
import { option, type Waiting } from "./leaf.ts"
import { pathOf } from "./resolve.ts"
import type { Kind, Resource } from "./resources.ts"
import type { Session } from "./session.ts"
import { endedBadly, waitFor } from "./work.ts"

export const formatOption = (about: string): Option =>
  option("--format <format>", about).choices(["raw", "qcow2"]).default("raw")
export const forceOption = (): Option => option("--force", "replace the file if there is one")

export type Exported = { kind: Kind; id: string; target: string; sizeBytes: number; query: Query }

export async function exportContent(
  session: Session,
  { kind, id, target, sizeBytes, query }: Exported,
  options: { format: string; force?: boolean } & Waiting,
): Promise<void> {
  if (target === "-") throw new Failure("usage", "an export needs a file, it cannot go to stdout")
  const raw = options.format === "raw"
  const path = pathOf(kind, id)
  const doing = `exporting ${kind.word} ${id}`
  const { operationId } = await download(session, {
    ask: {
      method: "GET",
      path: `${path}/content`,
      query: { ...query, format: raw ? "sparse" : options.format },
    },
    target,
    force: options.force ?? false,
    sparse: raw ? { sizeBytes } : null,
    doing,
    timeoutMs: options.timeout,
    // All bytes may be here and the server may know better, having failed at the last of them.
    async confirm(operation) {
      if (operation === undefined) return
      const ended = await waitFor(session, operation, doing, options)
      if (ended.state !== "done") throw endedBadly(ended, doing)
    },
  })
  const resource = await session.client.json<Resource>({ method: "GET", path })
  await session.printOne(kind, operationId === undefined ? resource : { ...resource, operationId })
}
