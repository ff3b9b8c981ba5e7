/**
 * `./tintype test [--long]`: the checks, then every test there is. The last line is the sum,
 * `N passed, N failed`. A skipped test counts as failed: it looks green and shows nothing.
 */
import { spawn } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { checks, environment, root, runChecks } from "./checks.ts"

type Sum = { passed: number; failed: number }

const flags = process.argv.slice(2)
const unknown = flags.filter((flag) => flag !== "--long")
if (unknown.length > 0) {
  const asked = unknown.includes("--help") || unknown.includes("-h")
  console.error("usage: tintype test [--long]\n\n  --long   also the tests that take minutes")
  process.exit(asked ? 0 : 2)
}

const outcomes = await runChecks(checks, (line) => console.log(line))
const tests = await runTests(flags.includes("--long"))
const failed = tests.failed + outcomes.filter((outcome) => !outcome.ok).length
process.exitCode = failed === 0 && tests.passed > 0 ? 0 : 1
console.log(`${tests.passed} passed, ${failed} failed`)

async function runTests(long: boolean): Promise<Sum> {
  const scratch = await mkdtemp(join(tmpdir(), "tintype-test-"))
  try {
    const report = join(scratch, "report.json")
    const code = await vitest([`--outputFile.json=${report}`], long)
    const sum = sumUp(await readFile(report, "utf8").catch(() => undefined))
    // Errors outside any test end vitest badly while every test passes.
    return code === 0 || sum.failed > 0 ? sum : { ...sum, failed: 1 }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function vitest(more: string[], long: boolean): Promise<number | null> {
  const argv = ["run", "--reporter=default", "--reporter=json", ...more]
  const env = { ...environment(), ...(long ? { TINTYPE_LONG: "1" } : {}) }
  return new Promise((resolve, reject) => {
    const child = spawn("vitest", argv, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] })
    // Whoever stops us means the tests too; vitest ends its workers in good order.
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => child.kill(signal))
    child.once("error", reject)
    child.once("close", resolve)
  })
}

function sumUp(report: string | undefined): Sum {
  if (report === undefined) return { passed: 0, failed: 1 }
  type Told = { status: string; fullName: string }
  type File = { name: string; status: string; assertionResults: Told[] }
  const files = (JSON.parse(report) as { testResults: File[] }).testResults
  const told = files.flatMap((file) => file.assertionResults)
  // A file that could not even be loaded has no tests to fail.
  const broken = files.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  )
  const skipped = told.filter(({ status }) => status !== "passed" && status !== "failed")
  for (const test of skipped) console.log(`skipped, so failed: ${test.fullName}`)
  const passed = told.filter(({ status }) => status === "passed").length
  return { passed, failed: told.length - passed + broken.length }
}
