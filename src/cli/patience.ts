/**
 * Whether a server that does not answer is worth another try. Whoever types `serve &` and goes on at
 * once need not know that it takes a moment; the same goes for a restart. One that was named with
 * its URL is elsewhere, and its matter.
 */
import { readFileSync, statSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { announced, type ConnectionFlags, type Environment, stateDirectory } from "./connection.ts"

/** Where the launcher leaves its pid when it becomes a server. */
const launched = fileURLToPath(new URL("../../.tintype-serving", import.meta.url))

const usual = { launched, graceMs: 3_000, startingMs: 60_000, pauseMs: 100 }

/** To be asked after each attempt: waits a moment, unless that is no use any more. */
export function patience(
  flags: ConnectionFlags,
  env: Environment,
  settings = usual,
): () => Promise<boolean> {
  if (flags.url || env["TINTYPE_URL"]) return async () => false
  const since = performance.now()
  return async () => {
    const isStarting = hasLock(stateDirectory(env)) || isLaunching(settings)
    const atMostMs = isStarting ? settings.startingMs : settings.graceMs
    if (performance.now() - since >= atMostMs) return false
    await sleep(settings.pauseMs)
    return true
  }
}

/** It says in its state directory that it is there, and not yet where it listens. */
function hasLock(dataDir: string): boolean {
  const { pid, urls } = announced(dataDir)
  return urls?.["native"] === undefined && isAlive(pid)
}

/** It was launched a moment ago, and may not have come that far. */
function isLaunching({ launched, startingMs }: typeof usual): boolean {
  try {
    const ageMs = Date.now() - statSync(launched).mtimeMs
    return ageMs < startingMs && isAlive(Number(readFileSync(launched, "utf8")))
  } catch {
    return false
  }
}

function isAlive(pid: unknown): boolean {
  if (typeof pid !== "number" || !(pid > 0)) return false
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"
  }
}
