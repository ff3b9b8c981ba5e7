/** Running a command in a guest through its agent (`guest-exec`, QEMU's qga/qapi-schema.json). */
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import { isObject } from "../../platform/json-lines.ts"
import type { ExecOptions, ExecResult } from "../host.ts"
import { AgentError } from "./agent.ts"
import { expectThawed, isFrozen, isFrozenNow, weFroze } from "./freeze.ts"
import type { Guest } from "./guest.ts"
import { agentAnswers } from "./power.ts"

/** Past it nobody knows whether the command was run, so it is long. */
const answersWithinMs = 30_000
const firstPollMs = 5
const longestPollMs = 250

/**
 * As a shell has it: 127 for a command that is not there, 128 + n for one ended by signal n. While
 * the guest is frozen no command is started, and one that runs already is not asked after.
 */
export async function execThroughAgent(
  guest: Guest,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const [path, ...arg] = argv
  if (path === undefined) {
    throw new Refusal({ kind: "invalid", why: "no command was given", field: "argv" })
  }
  expectThawed(guest)
  await agentAnswers(guest, options.waitForAgentMs)
  // The agent's calls have their turns in the order of asking: one made now comes before a freeze.
  expectThawed(guest)
  const { agent } = guest
  const deadline = performance.now() + options.timeoutMs
  let pid: number
  try {
    const order = { path, arg, "capture-output": true }
    pid = pidOf(await agent.call("guest-exec", order, { timeoutMs: answersWithinMs }))
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause
    // One who was here before us may have frozen it.
    if (await isFrozen(guest)) throw isFrozenNow(guest)
    return notStarted(cause)
  }
  for (let pauseMs = firstPollMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPollMs)) {
    while (weFroze(guest)) await sleep(longestPollMs)
    const status = await agent.call("guest-exec-status", { pid }, { timeoutMs: answersWithinMs })
    if (isObject(status) && status["exited"] === true) return resultOf(status, options)
    if (performance.now() > deadline && !weFroze(guest)) {
      await agent.call("guest-exec", { path: "kill", arg: ["-KILL", String(pid)] }).catch(() => {})
      const what = `the command ${path}`
      throw new Refusal({ kind: "timeout", what, afterMs: options.timeoutMs })
    }
    await sleep(pauseMs)
  }
}

function pidOf(answer: unknown): number {
  const pid = isObject(answer) ? answer["pid"] : undefined
  if (typeof pid !== "number") throw new Error("the guest agent started a command without a pid")
  return pid
}

function notStarted(cause: AgentError): ExecResult {
  const stderr = Buffer.from(`${cause.desc}\n`)
  const exitCode = /no such file/i.test(cause.desc) ? 127 : 126
  return { exitCode, stdout: Buffer.alloc(0), stderr, truncated: false }
}

function resultOf(status: { readonly [key: string]: unknown }, options: ExecOptions): ExecResult {
  const stdout = bytesOf(status["out-data"])
  const stderr = bytesOf(status["err-data"])
  const limit = options.maxOutputBytes
  const { signal, exitcode } = status
  return {
    exitCode: typeof signal === "number" ? 128 + signal : Number(exitcode ?? 0),
    stdout: stdout.subarray(0, limit),
    stderr: stderr.subarray(0, limit),
    truncated:
      stdout.length > limit ||
      stderr.length > limit ||
      status["out-truncated"] === true ||
      status["err-truncated"] === true,
  }
}

const bytesOf = (base64: unknown) =>
  typeof base64 === "string" ? Buffer.from(base64, "base64") : Buffer.alloc(0)
