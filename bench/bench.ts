/**
 * `./tintype bench [NAME...] [--json] [--full]`: what we promise, beside what this machine can do.
 * The report goes to stdout, talk to stderr. Machines are noisy, so no figure makes it fail: the
 * exit code is 1 only when a benchmark could not run.
 */
import { parseArgs } from "node:util"
import type { Finding } from "./benchmark.ts"
import { benchmarks } from "./registry.ts"
import { inBrief, lineOf, newReport, table } from "./rig/report.ts"
import { type OpenStand, openStand } from "./rig/stand.ts"

const say = (words: string) => void process.stderr.write(`bench: ${words}\n`)

const usage = `usage: tintype bench [NAME...] [--json] [--full]

  --json   one JSON value instead of a table
  --full   also what takes minutes

${Object.entries(benchmarks)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join("\n")}
`

type Wish = { names: string[]; json: boolean; full: boolean }

function readWish(): Wish | "help" {
  const flag = { type: "boolean", default: false } as const
  const options = { json: flag, full: flag, help: { ...flag, short: "h" } } as const
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const unknown = positionals.find((name) => !(name in benchmarks))
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}`)
  if (values.help) return "help"
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
  return { names, json: values.json, full: values.full }
}

async function runAll({ names, json, full }: Wish): Promise<number> {
  const report = newReport()
  for (const name of names) {
    try {
      await runOne(name, full, (finding) => {
        const line = lineOf(name, finding)
        report.findings.push(line)
        say(`${name}: ${inBrief(line)}`)
      })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      report.failures.push({ benchmark: name, why })
      say(`${name} could not run: ${cause instanceof Error ? cause.stack : why}`)
    }
  }
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : table(report))
  return report.failures.length === 0 ? 0 : 1
}

async function runOne(
  name: string,
  full: boolean,
  found: (finding: Finding) => void,
): Promise<void> {
  say(`${name}: ${benchmarks[name]?.about}`)
  const stand = await openStand({ full, say: (words) => say(`${name}: ${words}`) })
  const release = endOnSignal(stand)
  try {
    for await (const finding of benchmarks[name]?.run(stand) ?? []) found(finding)
  } finally {
    release()
    await stand.close()
  }
}

/** Whoever breaks off gets the machine back as it was. */
function endOnSignal(stand: OpenStand): () => void {
  const end = (signal: NodeJS.Signals) => {
    say(`${signal}: clearing up`)
    stand
      .close()
      .catch((cause) => say(String(cause)))
      .finally(() => process.exit(130))
  }
  process.on("SIGINT", end).on("SIGTERM", end)
  return () => process.off("SIGINT", end).off("SIGTERM", end)
}

function wishOrUsage(): Wish | "help" | undefined {
  try {
    return readWish()
  } catch (cause) {
    process.stderr.write(`tintype: ${(cause as Error).message}\n\n${usage}`)
    return undefined
  }
}

const wish = wishOrUsage()
if (wish === undefined) process.exitCode = 2
else if (wish === "help") process.stdout.write(usage)
else process.exitCode = await runAll(wish)
