/** How long the command line takes to say anything at all, beside Node alone. */
import { fileURLToPath } from "node:url"
import { run } from "../src/platform/command.ts"
import type { Benchmark } from "./benchmark.ts"
import { takeTurns } from "./rig/measure.ts"

const program = fileURLToPath(new URL("../src/cli/tintype.ts", import.meta.url))
const launcher = fileURLToPath(new URL("../tintype", import.meta.url))
const timeoutMs = 30_000

export const cli: Benchmark = {
  about: "the start of the command line",
  async *run() {
    const times = await takeTurns(15, {
      command: () => run([process.execPath, program, "--version"], { timeoutMs }),
      launcher: () => run([launcher, "--version"], { timeoutMs }),
      floor: () => run([process.execPath, "-e", "0"], { timeoutMs }),
    })
    const floor = { what: "bare node", samples: times.floor }
    yield {
      what: "command line, its code not cached: --version",
      unit: "ms",
      samples: times.command,
      floor,
    }
    yield { what: "./tintype --version", unit: "ms", samples: times.launcher, floor }
  },
}
