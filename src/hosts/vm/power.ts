/** Whether a guest runs and answers, and its power button. */
import { setTimeout as sleep } from "node:timers/promises"
import { isTimeout, within } from "../../platform/deadline.ts"
import { ConnectionLost, isObject } from "../../platform/json-lines.ts"
import { endProcess, isAlive } from "../../platform/process.ts"
import type { Liveness } from "../host.ts"
import { noAgent } from "./agent.ts"
import { type Guest, notRunning } from "./guest.ts"

// A busy node may keep a process, or its guest, from answering for some seconds.
const agentWithinMs = 15_000
const pingWithinMs = 5_000
const statusWithinMs = 15_000
// A process that does not even take the command is hung; one that did may have much to flush.
const takesQuitWithinMs = 3_000
const quitWithinMs = 20_000
const resetWithinMs = 10_000

export async function lookAt(guest: Guest): Promise<Liveness> {
  const deadline = performance.now() + statusWithinMs
  for (;;) {
    try {
      const status = await guest.execute("query-status", {}, { timeoutMs: statusWithinMs })
      return isObject(status) && status["status"] === "running" ? "running" : "paused"
    } catch (cause) {
      if (!(await isAlive(guest.process))) return "gone"
      if (isTimeout(cause) || performance.now() > deadline) return "hung"
      // The connection dropped, by a restart of ours perhaps: it is being made again.
      if (!(cause instanceof ConnectionLost)) throw cause
    }
  }
}

/** Resolves once the agent answers, so that a command would run. */
export async function agentAnswers(guest: Guest, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  const leftMs = () => deadline - performance.now()
  for (;;) {
    if (!(await isAlive(guest.process))) throw notRunning(guest.machine)
    if (await agentListens(guest)) {
      const timeoutMs = Math.max(50, Math.min(leftMs(), pingWithinMs))
      if (await succeeds(guest.agent.call("guest-ping", {}, { timeoutMs }))) return
    }
    if (leftMs() <= 0) throw noAgent(withinMs)
    await sleep(50)
  }
}

/**
 * Whether a program in the guest has the agent's port open. What is written to a closed port is
 * kept and read by the next one to open it: a power-off meant for the last boot must not be.
 */
export async function agentListens(guest: Guest): Promise<boolean> {
  const chardevs = await guest.execute("query-chardev").catch(() => [])
  const agent = (Array.isArray(chardevs) ? chardevs : []).find(
    (one: unknown) => isObject(one) && one["label"] === "agent",
  )
  return agent?.["frontend-open"] === true
}

/** Resolves when the process is gone. QEMU flushes its disks when it quits. */
export async function powerOff(guest: Guest, graceMs: number): Promise<void> {
  guest.endExpected = true
  const gone = (withinMs: number) => succeeds(within(guest.ended, withinMs, "the end of QEMU"))
  if (graceMs > 0) {
    const started = performance.now()
    await succeeds(within(askToPowerOff(guest, graceMs), graceMs, "the guest"))
    if (await gone(Math.max(1, graceMs - (performance.now() - started)))) return
  }
  const quits = await guest.execute("quit", {}, { timeoutMs: takesQuitWithinMs }).then(
    () => true,
    // A connection that ends instead of an answer is an answer.
    (cause: unknown) => !isTimeout(cause),
  )
  if (quits && (await gone(quitWithinMs))) return
  await endProcess(guest.process, 0)
  await guest.ended
}

/**
 * By the agent if one listens, else by the power button, which takes an ACPI daemon: of an agent
 * that does not answer half of the time is left for it.
 */
async function askToPowerOff(guest: Guest, graceMs: number): Promise<void> {
  if (await asksAgentToEnd(guest, {}, graceMs / 2)) return
  await guest.execute("system_powerdown")
}

/** The process stays; resolves once the guest starts anew. */
export async function restart(guest: Guest, graceMs: number): Promise<void> {
  const qmp = await guest.monitor()
  if (graceMs > 0) {
    const reset = succeeds(qmp.once("RESET", { withinMs: graceMs }))
    if ((await asksAgentToEnd(guest, { mode: "reboot" }, graceMs / 2)) && (await reset)) return
    if (!(await isAlive(guest.process))) throw notRunning(guest.machine)
  }
  const reset = qmp.once("RESET", { withinMs: resetWithinMs })
  reset.catch(() => {})
  await qmp.execute("system_reset")
  await reset
}

async function asksAgentToEnd(guest: Guest, args: object, withinMs: number): Promise<boolean> {
  if (!(await agentListens(guest))) return false
  const call = { timeoutMs: Math.min(withinMs, agentWithinMs), unanswered: true }
  return succeeds(guest.agent.call("guest-shutdown", args, call))
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )
