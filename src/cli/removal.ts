/** Deleting: what is printed is the thing as it was last known. */
import type { Command } from "commander"
import type { Query } from "./client.ts"
import { leaf, type Waiting } from "./leaf.ts"
import { pathOf, resolve } from "./resolve.ts"
import type { Kind, Resource } from "./resources.ts"
import type { Session } from "./session.ts"
import { follow, followAndPrint, type Started } from "./work.ts"

export function removal(noun: Command, kind: Kind): void {
  leaf(noun, {
    words: `delete <${kind.word}>`,
    summary: `delete one ${kind.word}`,
    example: `tintype ${kind.word} delete old --wait`,
    works: true,
    async run(session, [ref = ""], options) {
      await followAndPrint(session, await startRemoval(session, kind, ref), options)
    },
  })
}

export async function startRemoval(
  session: Session,
  kind: Kind,
  ref: string,
  query: Query = {},
): Promise<Started> {
  const path = pathOf(kind, await resolve(session, kind, ref))
  const last = await session.client.json<Resource>({ method: "GET", path })
  const accepted = await session.client.json<Resource>({ method: "DELETE", path, query })
  return { kind, accepted, doing: `deleting ${kind.word} ${last.name ?? last.id}`, last }
}

/** One after the other; the first refusal ends it, after what went before was printed. */
export async function removeAll(
  session: Session,
  kind: Kind,
  refs: readonly string[],
  waiting: Waiting,
): Promise<void> {
  const removed: Resource[] = []
  try {
    for (const ref of refs) {
      const outcome = await follow(session, await startRemoval(session, kind, ref), waiting)
      removed.push(outcome.resource)
      if (outcome.failure !== undefined) throw outcome.failure
    }
  } finally {
    const [only] = removed
    if (only !== undefined && refs.length === 1) await session.printOne(kind, only)
    else if (removed.length > 0) await session.printAll(kind, removed)
  }
}
