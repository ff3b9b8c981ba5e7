/**
 * `tintype demo [--exit]`: the main job, where one can watch. It starts a server of its own, plays
 * the scenes of `demo-story.ts`, and leaves the server running with its addresses on screen until
 * Ctrl-C; with `--exit` it ends there. Either way nothing is left behind.
 */
import type { Narrator } from "./demo-narrator.ts"
import { openStage, type Stage } from "./demo-stage.ts"
import { scenes } from "./demo-story.ts"
import { exitCode } from "./failure.ts"

const say = (words: string) => process.stdout.write(`${words}\n`)
const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`

async function demo(exitAtEnd: boolean): Promise<number> {
  const startedAt = performance.now()
  const interrupt = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => interrupt.abort())
  }
  let stage: Stage | undefined
  try {
    stage = await openStage(interrupt.signal)
    say(`A server of its own runs; its state is in ${stage.dataDir}  (${seconds(startedAt)})`)
    for (const scene of scenes) await scene(stage, narrator(stage))
    say(`\nAll of this happened, in ${seconds(startedAt)}.`)
    return exitAtEnd ? 0 : await stay(stage, interrupt.signal)
  } catch (cause) {
    if (interrupt.signal.aborted) return exitCode.interrupted
    process.stderr.write(`\nThe demo failed: ${cause instanceof Error ? cause.message : cause}\n`)
    return exitCode.failure
  } finally {
    if (stage !== undefined) {
      say("\nCleaning up: machines, server, files.")
      await stage.close()
    }
  }
}

function narrator(stage: Stage): Narrator {
  return {
    scene: (title) => say(`\n== ${title}`),
    async run<T>(...argv: string[]) {
      const startedAt = performance.now()
      const result = await stage.tintype<T>(...argv)
      const words = argv.map((word) => (/\s/.test(word) ? `'${word}'` : word)).join(" ")
      say(`  $ tintype ${words.replaceAll(`${stage.folder}/`, "")}  (${seconds(startedAt)})`)
      return result
    },
    async inside(machine, line) {
      type Executed = { exitCode: number; stdout: string; stderr: string }
      const argv = ["machine", "exec", machine, "--", "sh", "-c", line]
      const done = await this.run<Executed>(...argv)
      if (done.exitCode !== 0) throw new Error(`the guest said ${done.exitCode}: ${done.stderr}`)
      return done.stdout.trim()
    },
    show(words, isSo) {
      if (!isSo) throw new Error(`this is not so: ${words}`)
      say(`    ok: ${words}`)
    },
  }
}

async function stay(stage: Stage, interrupted: AbortSignal): Promise<number> {
  type Credentials = { login: string; password: string; apiKey: string; tenantId: string }
  const account = await stage.tintype<Credentials>("account", "create", "demo-user")
  say("\nThe server goes on running until Ctrl-C:")
  for (const [name, url] of Object.entries(stage.urls)) say(`  ${name.padEnd(10)} ${url}`)
  say("An account to try it with:")
  for (const [name, value] of Object.entries(account)) say(`  ${name.padEnd(14)} ${value}`)
  say("As the administrator, from another terminal:")
  say(`  export TINTYPE_DATA=${stage.dataDir}`)
  say("  ./tintype snapshot tree")
  const stopped = new Promise<void>((resolve) => {
    interrupted.addEventListener("abort", () => resolve())
  })
  const died = stage.serverEnded.then(() => "died")
  if ((await Promise.race([stopped, died])) !== "died") return 0
  process.stderr.write("\nThe server ended by itself.\n")
  return exitCode.failure
}

const flags = process.argv.slice(2)
if (flags.some((flag) => flag !== "--exit")) {
  const asked = flags.includes("--help") || flags.includes("-h")
  const usage = "Usage: tintype demo [--exit]\n\n  --exit   clean up and end, instead of staying\n"
  process[asked ? "stdout" : "stderr"].write(usage)
  process.exitCode = asked ? 0 : exitCode.usage
} else {
  process.exitCode = await demo(flags.includes("--exit"))
}
