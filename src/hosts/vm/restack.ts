/**
 * Putting disks that are open onto storage that took the place of other storage, while the guest
 * reads and writes them. QEMU's `blockdev-reopen` with another `backing` exchanges what a node
 * stands on between two requests (1.4 to 2.1 ms under load, measured with 7.2). All disks of a
 * machine move in one command, so a refusal leaves every one as it was.
 *
 * Whatever is interrupted here leaves nodes that hold the same bytes as those they stand beside;
 * the next call finds how far it came.
 */
import type { BlockNode, Restack } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import { isTimeout, within } from "../../platform/deadline.ts"
import { isObject } from "../../platform/json-lines.ts"
import { isAlive } from "../../platform/process.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import {
  addMissing,
  type BlockGraph,
  below,
  blockGraph,
  dropNodes,
  parentsFirst,
} from "./block-nodes.ts"
import type { Guest } from "./guest.ts"
import type { Guests } from "./guests.ts"

// One that is just starting opens all its disks before it answers.
const answersWithinMs = 20_000
const restackedWithinMs = 60_000

/** What one machine refuses is told once all the others have moved. */
export async function restackGuests(guests: Guests, restack: Restack): Promise<void> {
  const moves = (await guests.everyone()).map((guest) => restackGuest(guest, restack))
  for (const move of await Promise.allSettled(moves)) {
    if (move.status === "rejected") throw move.reason
  }
}

async function restackGuest(guest: Guest, restack: Restack): Promise<void> {
  let late = false
  const move = async () => {
    // Whoever asked has given up: by its turn the world may be another.
    if (!late) await restackNodes(await guest.monitor(answersWithinMs), restack)
  }
  try {
    await within(guest.disksTurn(move), restackedWithinMs, `QEMU of machine ${guest.machine}`)
  } catch (cause) {
    late = true
    // One that has ended opens the new when it starts again.
    if (await hasEnded(guest)) return
    if (!isTimeout(cause)) throw cause
    // One that does not answer may wake up again, and goes on reading what it has.
    const what = `machine ${guest.machine}, whose disks are to move to other storage,`
    throw new Refusal({ kind: "unavailable", what, remedy: "stop it if it hangs" })
  }
}

/** The same for any process that speaks QMP. Throws `unavailable` where it refuses to move. */
export async function restackNodes(qmp: Qmp, { nodes, links, gone }: Restack): Promise<void> {
  const before = await blockGraph(qmp)
  const moving = links.filter(({ node, backing }) => {
    const name = node["node-name"]
    return before.names.has(name) && backingOf(before, name) !== backing
  })
  if (moving.length > 0) {
    const added = await addMissing(qmp, neededFor(moving, nodes, before))
    try {
      await reopen(qmp, moving)
    } catch (cause) {
      if (!(cause instanceof QmpError)) throw cause
      await dropNodes(qmp, added.reverse())
      const what = "moving disks to the storage that took the place of theirs"
      throw new Refusal({ kind: "unavailable", what, remedy: `QEMU says: ${cause.desc}` })
    }
  }
  // What they stood on until now goes too, if nothing else does.
  const former = moving.flatMap(({ node }) => backingOf(before, node["node-name"]) ?? [])
  const left = [...gone.filter((name) => before.names.has(name)), ...former]
  if (left.length > 0) await dropUnneeded(qmp, left)
}

const backingOf = ({ edges }: BlockGraph, node: string): string | undefined =>
  edges.find(({ parent, as }) => parent === node && as === "backing")?.child

/** Of the nodes offered, those that the new backings are made of and that are not there yet. */
function neededFor(
  moving: Restack["links"],
  nodes: readonly BlockNode[],
  { names }: BlockGraph,
): BlockNode[] {
  const needed = new Set(moving.map(({ backing }) => backing))
  for (const node of [...nodes].reverse()) {
    if (!needed.has(node["node-name"]) || names.has(node["node-name"])) continue
    for (const name of textsIn(node)) needed.add(name)
  }
  return nodes.filter((node) => needed.has(node["node-name"]))
}

/** Whatever an option is called, it names a node by a text. */
const textsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : isObject(value)
      ? Object.values(value).flatMap((inner) => textsIn(inner))
      : []

/** Options that are left out go back to their defaults, so all are given, as they are now. */
async function reopen(qmp: Qmp, moving: Restack["links"]): Promise<void> {
  const readOnly = await readOnlyNodes(qmp)
  const options = moving.map(({ node, backing }) => ({
    ...{ ...node, backing, "read-only": readOnly.has(node["node-name"]) },
  }))
  await qmp.execute("blockdev-reopen", { options })
}

async function readOnlyNodes(qmp: Qmp): Promise<Set<string>> {
  const nodes = await qmp.execute("query-named-block-nodes", { flat: true })
  const found = (Array.isArray(nodes) ? nodes : []).filter(isObject)
  return new Set(found.filter(({ ro }) => ro === true).map((node) => String(node["node-name"])))
}

/** Of these nodes and all below them, what has no parent, or none that is not going as well. */
async function dropUnneeded(qmp: Qmp, nodes: readonly string[]): Promise<void> {
  const graph = await blockGraph(qmp)
  const going = below(graph, nodes)
  for (;;) {
    const kept = graph.edges.filter(({ parent, child }) => going.has(child) && !going.has(parent))
    if (kept.length === 0) break
    for (const { child } of kept) going.delete(child)
  }
  const present = [...going].filter((name) => graph.names.has(name))
  await dropNodes(qmp, parentsFirst(present, graph))
}

const hasEnded = async (guest: Guest) => !(await isAlive(guest.process))
