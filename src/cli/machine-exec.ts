/** Runs a command in a machine as if it ran here: its output is ours, and so is its exit code. */
import { isUtf8 } from "node:buffer"
import { pathOf } from "./resolve.ts"
import { kinds } from "./resources.ts"
import type { Session } from "./session.ts"
import { printJson } from "./show.ts"

type Executed = { exitCode: number; stdout: string; stderr: string; truncated: boolean }

/** The server first waits a minute for the machine to answer, then for the command. */
const patienceMs = 90_000
const longestCommandMs = 3_600_000

export async function exec(
  session: Session,
  machine: string,
  argv: readonly string[],
  timeoutMs: number | undefined,
): Promise<void> {
  const done = await session.client.json<Executed>({
    method: "POST",
    path: `${pathOf(kinds.machine, machine)}/exec`,
    body: { argv, timeoutMs },
    silenceMs: (timeoutMs ?? longestCommandMs) + patienceMs,
    // A connection that broke says nothing about whether the command ran.
    once: true,
  })
  const stdout = Buffer.from(done.stdout, "base64")
  const stderr = Buffer.from(done.stderr, "base64")
  if (session.json) {
    const encoding = isUtf8(stdout) && isUtf8(stderr) ? "utf8" : "base64"
    const output = { stdout: stdout.toString(encoding), stderr: stderr.toString(encoding) }
    printJson({ exitCode: done.exitCode, ...output, encoding, truncated: done.truncated })
  } else {
    process.stdout.write(stdout)
    process.stderr.write(stderr)
  }
  if (done.truncated) session.say("tintype: the output was too long; the rest of it is lost")
  process.exitCode = done.exitCode & 0xff
}
