/** Ids or names: a UUID is an id, anything else is looked up by name in the account. */
import { parseId } from "../domain/ids.ts"
import type { Query } from "./client.ts"
import { Failure } from "./failure.ts"
import { type Kind, kinds, type Resource } from "./resources.ts"
import type { Session } from "./session.ts"

export async function resolve(
  session: Session,
  kind: Kind,
  ref: string,
  within: Query = {},
): Promise<string> {
  const id = parseId(ref)
  if (id !== undefined) return id
  if (kind === kinds.operation)
    throw new Failure("notFound", `no ${kind.word} ${JSON.stringify(ref)}`)
  const all = await session.client.all<Resource>(kind.collection, { ...within, name: ref })
  // What failed keeps its name on record for a while, but does not stand in the way of others.
  const living = all.filter((resource) => resource.state !== "failed")
  const found = living.length > 0 ? living : all
  const [only, ...others] = found
  if (only === undefined) {
    const where = session.account === undefined ? "" : ` in account ${session.account}`
    throw new Failure("notFound", `no ${kind.word} named ${JSON.stringify(ref)}${where}`)
  }
  if (others.length > 0) {
    const ids = found.map((resource) => `\n  ${resource.id}`).join("")
    const what = `${found.length} ${kind.word}s are named ${JSON.stringify(ref)}`
    throw new Failure("conflict", `${what}; say which by its id:${ids}`)
  }
  return only.id
}

/**
 * A snapshot to go back to. A name means one of the thing's own snapshots first; a volume may also
 * go back to a snapshot of the machine that had it, so the account's others come second.
 */
export async function resolveSnapshotOf(
  session: Session,
  source: Query,
  ref: string,
): Promise<string> {
  try {
    return await resolve(session, kinds.snapshot, ref, source)
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.exitCode !== 3) throw cause
    return resolve(session, kinds.snapshot, ref)
  }
}

export const pathOf = (kind: Kind, id: string) => `${kind.collection}/${encodeURIComponent(id)}`
