/** Runs a program to its end: an argument list, never a shell string, and always a deadline. */
import { spawn } from "node:child_process"
import type { ServiceUser } from "./process.ts"

export type CommandOptions = {
  cwd?: string
  user?: ServiceUser | null
  timeoutMs: number
  env?: Record<string, string>
  signal?: AbortSignal
  /** What it reads on stdin; nothing unless told. */
  input?: string
  /** Called with each piece of stdout as it comes, beside being collected. */
  onStdout?(text: string): void
}

export class CommandFailed extends Error {
  readonly exitCode: number | null
  readonly stderr: string
  constructor(argv: readonly string[], exitCode: number | null, stderr: string) {
    const words = stderr.trim().slice(-2000) || "it left no word"
    const how =
      exitCode === null ? "was ended by a signal or its deadline" : `ended with ${exitCode}`
    super(`${argv[0]} ${how}: ${words}`)
    this.name = "CommandFailed"
    this.exitCode = exitCode
    this.stderr = stderr
  }
}

const longestTimerMs = 2 ** 31 - 1
const keptBytes = 16 * 2 ** 20

/** Resolves with stdout on exit code 0; throws `CommandFailed` otherwise, or on the deadline. */
export function run(
  argv: readonly [string, ...string[]],
  options: CommandOptions,
): Promise<string> {
  const user = options.user ?? null
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C", ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      // Node takes a longer time than a 32-bit number of milliseconds for one millisecond.
      timeout: Math.min(options.timeoutMs, longestTimerMs),
      killSignal: "SIGKILL",
    })
    // It may end before it has read all: what it came to is in its exit code.
    child.stdin.on("error", () => {}).end(options.input ?? "")
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < keptBytes) stdout += text
      options.onStdout?.(text)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < keptBytes) stderr += text
    })
    child.once("error", reject)
    child.once("close", (code) => {
      if (code === 0) resolve(stdout)
      else reject(new CommandFailed(argv, code, stderr))
    })
  })
}
