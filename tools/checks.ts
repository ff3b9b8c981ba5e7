/** Everything that is checked without running the service, each in a process of its own. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

export type Check = { name: string; argv: readonly [string, ...string[]] }
export type Outcome = { name: string; ok: boolean; seconds: number; output: string }

export const root = fileURLToPath(new URL("..", import.meta.url))

export const checks: readonly Check[] = [
  {
    name: "format and lint",
    argv: ["biome", "check", "--diagnostic-level=warn", "--error-on-warnings", "."],
  },
  { name: "types", argv: ["tsc"] },
  { name: "arrows", argv: [process.execPath, "tools/arrows.ts"] },
  { name: "dead code", argv: ["knip", "--no-progress", "--no-config-hints"] },
]
export const unitTests: Check = {
  name: "unit tests",
  argv: ["vitest", "run", "--project", "unit", "--no-color"],
}

/** All at the same time; resolves with every outcome, in the order of `wanted`. */
export async function runChecks(
  wanted: readonly Check[],
  say: (line: string) => void,
): Promise<Outcome[]> {
  return Promise.all(
    wanted.map(async (check) => {
      const outcome = await runCheck(check)
      say(`${outcome.ok ? "ok    " : "FAILED"}  ${check.name}  ${outcome.seconds.toFixed(1)} s`)
      if (!outcome.ok) say(indented(outcome.output))
      return outcome
    }),
  )
}

const deadlineMs = 300_000

function runCheck({ name, argv }: Check): Promise<Outcome> {
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd: root,
      env: environment(),
      timeout: deadlineMs,
    })
    let output = ""
    const collect = (text: Buffer) => {
      output += text
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    const end = (ok: boolean) =>
      resolve({ name, ok, seconds: (performance.now() - startedAt) / 1000, output })
    child.once("error", (cause) => {
      output += cause.message
      end(false)
    })
    child.once("close", (code) => end(code === 0))
  })
}

/** The tools of this tree, run by this Node, whatever else is in PATH. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${root}node_modules/.bin:${process.env["PATH"] ?? ""}` }
}

const indented = (text: string) => text.trimEnd().replaceAll(/^/gm, "        ")
