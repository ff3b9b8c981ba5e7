/** What is wrong, in words, and what can be put right without a person. */
import type { Finding } from "../domain/finding.ts"
import { every } from "../operations/every.ts"
import type { Context } from "./context.ts"
import { freeSpace, pausedWords } from "./free-space.ts"

/** Empty when all is well. Failed things on record and work under way are not wrong. */
export async function examineEverything(context: Context): Promise<Finding[]> {
  const { ledger, hosts } = context
  const findings: Finding[] = (await ledger.examine()).map((what) => ({
    severity: "wrong",
    what,
    remedy: "restore the ledger from a backup, or run tintype doctor --rebuild",
  }))
  for (const { id, kind, reason } of await ledger.read.operations.find({ state: "stuck" })) {
    const what = `operation ${id} (${kind}) is stuck: ${reason ?? "no reason recorded"}`
    findings.push({ severity: "wrong", what, remedy: "mend the cause, then run doctor --fix" })
  }
  findings.push(
    ...(await examineSpace(context)),
    ...(await context.engine(context.engineName).examine()),
  )
  findings.push(...(await compareHoldings(context)))
  const machines = await every(ledger.read.machines, { node: context.node })
  for (const host of hosts) {
    const known = machines.filter((machine) => machine.kind === host.kind)
    findings.push(...(await host.examine(known.map((machine) => machine.id))))
    for (const { id, state } of known.filter((machine) => machine.state === "running")) {
      const liveness = await host.look(id)
      if (liveness === "running") continue
      if ((await host.standstill(id).catch(() => null)) === "no-space") {
        const what = `machine ${id} stands still, because its disk is full`
        findings.push({ severity: "wrong", what, remedy: "free some space: it goes on by itself" })
        continue
      }
      const remedy = "start it again, or stop it first where it hangs"
      findings.push({
        severity: "wrong",
        what: `machine ${id} is ${state} but ${liveness}`,
        remedy,
      })
    }
  }
  return findings
}

/** Nothing is broken while work is paused: a note, so that scripts need not stop over it. */
async function examineSpace(context: Context): Promise<Finding[]> {
  const space = await freeSpace(context.ledger.read, context)
  if (!space.paused) return []
  const remedy = "delete snapshots or volumes that nobody needs, or make the disk larger"
  return [{ severity: "note", what: pausedWords(space), remedy }]
}

/**
 * What the engine holds and what the ledger says it should: a volume or point that only one of
 * them knows is lost or leaked. While operations work the two may differ for a moment.
 */
async function compareHoldings({ ledger, engine, engineName, hosts }: Context): Promise<Finding[]> {
  const underWay = { state: ["queued", "running", "undoing"] as const }
  if ((await ledger.read.operations.count(underWay)) > 0) return []
  const held = await engine(engineName).holdings()
  const living = ["available", "in-use"] as const
  const { read } = ledger
  const volumes = await every(read.volumes, { engine: engineName, state: living })
  const snapshotPoints = await every(read.points, { engine: engineName })
  const images = await every(read.images, { engine: engineName, state: "ready" })
  const points = [...snapshotPoints.map(({ id }) => id), ...images.map(({ pointId }) => pointId)]
  const memories = await Promise.all(hosts.map((host) => host.memories()))
  const keptMemories = memories.flatMap((each) => [...each.keys()])
  const snapshots = await every(read.snapshots, { state: "ready" })
  const withMemory = snapshots.filter(({ memoryBytes }) => memoryBytes !== null)
  return [
    ...differing(
      "memory of snapshot",
      keptMemories,
      new Set<string>(withMemory.map(({ id }) => id)),
    ),
    ...differing("volume", held.volumes, new Set<string>(volumes.map(({ id }) => id))),
    ...differing("point", held.points, new Set<string>(points)),
  ]
}

function differing(what: string, held: readonly string[], known: ReadonlySet<string>): Finding[] {
  const here = new Set(held)
  const leaked = held.filter((id) => !known.has(id))
  const lost = [...known].filter((id) => !here.has(id))
  return [
    ...leaked.map((id) => wrong(`there is a ${what} ${id}, which the ledger does not know`)),
    ...lost.map((id) => wrong(`the ledger knows ${what} ${id}, which is not there`)),
  ]
}

const wrong = (what: string): Finding => ({ severity: "wrong", what, remedy: null })

/** Lets every stuck operation go on from its log: undoing where it was undoing, else forward. */
export async function retryStuck(context: Context): Promise<Finding[]> {
  const stuck = await context.ledger.read.operations.find({ state: "stuck" })
  for (const { id } of stuck) {
    await context.ledger.transaction(async (rooms) => {
      if ((await rooms.operations.get(id))?.state !== "stuck") return
      const log = await rooms.operations.log(id)
      const undoing = log.some((entry) => entry.event === "undo-failed")
      const state = undoing ? "undoing" : "queued"
      await rooms.operations.change(id, { state, endedAt: null, leaseUntil: 0 })
    })
  }
  context.wake()
  return stuck.map(({ id, kind }) => ({
    severity: "note",
    what: `operation ${id} (${kind}) is tried again`,
    remedy: null,
  }))
}
