/**
 * Snapshots have names here that other APIs do not ask for: of these characters, and each of a
 * machine's snapshots its own. Names from elsewhere that are not so are dressed for the outside;
 * nothing is renamed.
 */
import type { Snapshot } from "../../domain/snapshot.ts"

/** Not `.` and `..`: in a URL those are steps, and `…/snapshots/..` is the machine itself. */
const pattern = /^(?!\.{1,2}$)[A-Za-z0-9_.:%-]{1,64}$/
export const nameRule = {
  pattern,
  unique: true,
  what: "a snapshot's name has 1 to 64 letters, digits and _ . : % -",
}

type Named = Pick<Snapshot, "id" | "name" | "state">

/**
 * Of several alike the oldest keeps the name; one that failed leaves it to others, because whoever
 * tried again asks for the new one. Those left are called `<name>-<beginning of the id>`.
 */
export function shownNames(snapshots: readonly Named[]): Map<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const call = ({ id }: Named, name: string) => {
    names.set(id, name)
    taken.add(name)
  }
  const oldestFirst = [...snapshots].sort((a, b) => (a.id < b.id ? -1 : 1))
  for (const each of byClaim(oldestFirst)) {
    if (pattern.test(each.name) && !taken.has(each.name)) call(each, each.name)
  }
  for (const each of oldestFirst) {
    if (!names.has(each.id)) call(each, dressed(each, taken))
  }
  return names
}

/** Who of these keeps the name that all of them have. */
export function keeperOf<T extends Named>(name: string, alike: readonly T[]): T | undefined {
  if (!pattern.test(name)) return undefined
  const [first] = byClaim([...alike].sort((a, b) => (a.id < b.id ? -1 : 1)))
  return first
}

/** Failed ones last, and of these the newest first: it is the latest try. */
function byClaim<T extends Named>(oldestFirst: readonly T[]): T[] {
  const failed = oldestFirst.filter(({ state }) => state === "failed")
  return [...oldestFirst.filter(({ state }) => state !== "failed"), ...failed.reverse()]
}

export const mayBeDressed = (name: string): boolean => /-[0-9a-f]{8,32}$/.test(name)

const dressed = (snapshot: Named, taken: ReadonlySet<string>): string =>
  dresses(snapshot).find((choice) => !taken.has(choice)) ?? snapshot.id.replaceAll("-", "")

/** Ids made within a minute of each other begin alike; all of it is never taken. */
function dresses({ id, name }: Named): string[] {
  const digits = id.replaceAll("-", "")
  const slug = name.replace(/[^A-Za-z0-9_.:%-]+/g, "_") || "snapshot"
  return [8, 12, 32].map((length) => `${slug.slice(0, 63 - length)}-${digits.slice(0, length)}`)
}

/**
 * Whose name it is, of all of a machine's snapshots. What one was once called here still finds it,
 * though it keeps the plain name now that an older one is gone: people write names down.
 */
export function bearerOf<T extends Named>(name: string, all: readonly T[]): T | undefined {
  const shown = shownNames(all)
  const oldestFirst = [...all].sort((a, b) => (a.id < b.id ? -1 : 1))
  return (
    oldestFirst.find(({ id }) => shown.get(id) === name) ??
    oldestFirst.find((each) => dresses(each).includes(name))
  )
}

/** A name for a snapshot that was given none: the time, in UTC. */
export const stampName = (ms: number): string =>
  new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "")
