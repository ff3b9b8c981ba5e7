/** What concerns the whole house: its events, its health, its doctor, its backup. */
import { createReadStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { attempt, ok, Refusal } from "../domain/fault.ts"
import type { Finding } from "../domain/finding.ts"
import type { Context } from "./context.ts"
import type { House } from "./core.ts"
import { examineEverything, retryStuck } from "./doctor.ts"
import { freeSpace, pausedWords } from "./free-space.ts"
import { mayRun, must } from "./visible.ts"

export function openHouse(context: Context & { metrics(): Promise<string> }): House {
  const { ledger } = context
  return {
    async events(who, after, limit, withinMs) {
      const scope = who.everywhere ? null : who.accountId
      // Listening first, so that what comes between the look and the wait is not missed.
      const news = withinMs > 0 ? nextEvents(context, withinMs) : null
      const first = await ledger.read.events.after(after, scope, limit)
      if (first.length > 0 || news === null) {
        news?.stop()
        return ok(first)
      }
      await news.came
      return ok(await ledger.read.events.after(after, scope, limit))
    },
    newestEvent: () => ledger.read.events.newest(),

    async readiness() {
      const details: Record<string, string> = { ledger: await ledgerHealth(context) }
      if (details["ledger"] !== "ok") return { ready: false, details }
      for (const host of context.hosts) {
        const missing = await host.unavailable()
        details[host.kind] = missing === null ? "ok" : `${missing.what}: ${missing.remedy}`
      }
      const space = await freeSpace(ledger.read, context)
      details["space"] = space.paused ? pausedWords(space) : "ok"
      details["freeBytes"] = String(space.freeBytes)
      return { ready: true, details }
    },

    doctor: (who, { fix, rebuild }) =>
      attempt(async (): Promise<Finding[]> => {
        must(mayRun(who))
        if (rebuild) {
          const why = "the server has the ledger open; stop it and run doctor --rebuild again"
          throw new Refusal({ kind: "unsupported", what: "rebuilding a ledger in use", why })
        }
        const retried = fix ? await retryStuck(context) : []
        return [...retried, ...(await examineEverything(context))]
      }),

    backup: (who, sink) =>
      attempt(async () => {
        must(mayRun(who))
        const directory = await mkdtemp(join(tmpdir(), "tintype-backup-"))
        try {
          const file = join(directory, "ledger.db")
          await ledger.backup(file)
          await pipeline(createReadStream(file), sink)
          return null
        } finally {
          await rm(directory, { recursive: true, force: true })
        }
      }),

    metrics: context.metrics,
  }
}

/** A ledger works when it takes a write. */
async function ledgerHealth({ ledger, clock }: Context): Promise<string> {
  try {
    await ledger.set("readyz", String(clock()))
    return "ok"
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

function nextEvents({ ledger }: Context, withinMs: number): { came: Promise<void>; stop(): void } {
  const { promise: came, resolve } = Promise.withResolvers<void>()
  const stop = () => {
    clearTimeout(timer)
    stopListening()
    resolve()
  }
  const stopListening = ledger.onEvents(stop)
  const timer = setTimeout(stop, withinMs)
  return { came, stop }
}
