/** Running a command in a guest through its agent (`guest-exec`, QEMU's qga/qapi-schema.json). */
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import { isObject } from "../../platform/json-lines.ts"
import type { ExecOptions, ExecResult } from "../host.ts"
import { type Agent, AgentError } from "./agent.ts"

const firstPollMs = 5
const longestPollMs = 250

/** As a shell has it: 127 for a command that is not there, 128 + n for one ended by signal n. */
export async function execThroughAgent(
  agent: Agent,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const [path, ...arg] = argv
  if (path === undefined) {
    throw new Refusal({ kind: "invalid", why: "no command was given", field: "argv" })
  }
  const deadline = performance.now() + options.timeoutMs
  let pid: number
  try {
    pid = pidOf(await agent.call("guest-exec", { path, arg, "capture-output": true }))
  } catch (cause) {
    if (cause instanceof AgentError) return notStarted(cause)
    throw cause
  }
  for (let pauseMs = firstPollMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPollMs)) {
    const status = await agent.call("guest-exec-status", { pid }, { timeoutMs: 30_000 })
    if (isObject(status) && status["exited"] === true) return resultOf(status, options)
    if (performance.now() > deadline) {
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
