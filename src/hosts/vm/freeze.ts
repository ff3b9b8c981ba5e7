/**
 * Holding a guest's file systems still, through its agent (`guest-fsfreeze-*`, QEMU's
 * qga/qapi-schema.json), and letting go of a guest, however it is held.
 *
 * The agent has no deadline of its own: a frozen guest stays frozen until somebody thaws it. So
 * whether it is frozen is always asked of the agent, for a restart of ours forgets who was; a
 * freeze that does not answer in time is thawed before it is given up.
 */
import { Refusal } from "../../domain/fault.ts"
import { AgentError } from "./agent.ts"
import type { Guest } from "./guest.ts"
import { agentAnswers, agentListens } from "./power.ts"
import { letRun, runStateOf } from "./standstill.ts"

const freezeWithinMs = 10_000
const thawWithinMs = 10_000
const thawAttempts = 3
const agentComesBackWithinMs = 5_000

/** Resolves with how many file systems are frozen. */
export async function freezeGuest(guest: Guest): Promise<number> {
  const state = await runStateOf(await guest.monitor())
  if (state !== "running") throw cannotFreeze(guest, `it stands still (${state}): let it run`)
  if (!(await agentListens(guest))) {
    throw cannotFreeze(guest, "install and start the QEMU guest agent in it")
  }
  try {
    // How old a freeze is that we find here nobody knows: this one is of now.
    await thaw(guest)
    guest.frozen = true
    const call = { timeoutMs: freezeWithinMs }
    return Number(await guest.agent.call("guest-fsfreeze-freeze", {}, call))
  } catch (cause) {
    await thawAfterAll(guest)
    throw cannotFreeze(guest, cause instanceof Error ? cause.message : String(cause))
  }
}

/** Resolves with how many file systems were still frozen. */
export async function releaseGuest(guest: Guest): Promise<number> {
  // The processors first: the agent in a guest that stands still answers nobody.
  await letRun(guest)
  if (guest.frozen === false) return 0
  const state = await runStateOf(await guest.monitor())
  if (state !== "running") throw standsStill(guest, state)
  if (guest.frozen === true) await agentAnswers(guest, agentComesBackWithinMs)
  return (await agentListens(guest)) ? await thaw(guest) : 0
}

/**
 * The agent does one thing after the other, so it answers only when the freeze it is at has come
 * to its end. Where this does not suffice, `releaseGuest` is asked again.
 */
async function thawAfterAll(guest: Guest): Promise<void> {
  for (let attempt = 1; attempt <= thawAttempts; attempt += 1) {
    const thawed = await thaw(guest).then(
      () => true,
      () => false,
    )
    if (thawed) return
  }
}

async function thaw(guest: Guest): Promise<number> {
  const call = { timeoutMs: thawWithinMs }
  const thawed = (await isFrozen(guest))
    ? Number(await guest.agent.call("guest-fsfreeze-thaw", {}, call))
    : 0
  guest.frozen = false
  return thawed
}

export const weFroze = (guest: Guest): boolean => guest.frozen === true

export function expectThawed(guest: Guest): void {
  if (weFroze(guest)) throw isFrozenNow(guest)
}

/** Asked of the agent, which is allowed to say this also while it is. */
export async function isFrozen(guest: Guest): Promise<boolean> {
  try {
    return (await guest.agent.call("guest-fsfreeze-status")) === "frozen"
  } catch (cause) {
    // An agent that knows no freezing has not frozen anything.
    if (cause instanceof AgentError) return false
    throw cause
  }
}

const cannotFreeze = ({ machine }: Guest, remedy: string) =>
  new Refusal({
    kind: "unavailable",
    what: `a freeze of machine ${machine}'s file systems`,
    remedy,
  })

const standsStill = ({ machine }: Guest, state: string) =>
  new Refusal({
    kind: "unavailable",
    what: `the agent of machine ${machine}`,
    remedy: `the guest stands still (${state}): ask again once it runs`,
  })

/** What a caller is told who would disturb a frozen guest. */
export const isFrozenNow = ({ machine }: Guest) =>
  new Refusal({
    kind: "unavailable",
    what: `the agent of machine ${machine}`,
    remedy: "its file systems are frozen for a snapshot: try again in a moment",
  })
