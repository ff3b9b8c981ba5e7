/** Looking after the service itself: `doctor` and `backup`. */
import type { Command } from "commander"
import { download } from "./download.ts"
import { forceOption } from "./export.ts"
import { exitCode } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { printable } from "./show.ts"

type Finding = { severity: "wrong" | "note"; what: string; remedy: string | null }

export function doctorCommand(program: Command): void {
  leaf<{ fix?: boolean; rebuild?: boolean }>(program, {
    words: "doctor",
    summary: "say what is wrong and what to do; fails only if something is wrong",
    example: "tintype doctor --fix",
    options: [
      option("--fix", "put right what can be put right"),
      option("--rebuild", "build the ledger anew from what is on disk"),
    ],
    async run(session, _, { fix, rebuild }) {
      const path = "/api/doctor"
      const asked = fix || rebuild
      const { items } = await session.client.json<{ items: Finding[] }>(
        asked ? { method: "POST", path, body: { fix, rebuild } } : { method: "GET", path },
      )
      if (session.json) await session.printDetails({ items })
      else process.stdout.write(items.map(inWords).join("") || "nothing is wrong\n")
      if (items.some((item) => item.severity === "wrong")) process.exitCode = exitCode.failure
    },
  })
}

function inWords({ severity, what, remedy }: Finding): string {
  const todo = remedy === null ? "" : `\n       ${printable(remedy)}`
  return `${severity}: ${printable(what)}${todo}\n`
}

export function backupCommand(program: Command): void {
  leaf<{ force?: boolean }>(program, {
    words: "backup <file>",
    summary: "write a consistent copy of the ledger into a file",
    example: "tintype backup ledger.backup",
    options: [forceOption()],
    async run(session, [target = ""], { force }) {
      const { bytes } = await download(session, {
        ask: { method: "GET", path: "/api/backup" },
        target,
        force: force ?? false,
        sparse: null,
        doing: "backing up",
        timeoutMs: undefined,
      })
      await session.printDetails({ file: target, sizeBytes: bytes })
    },
  })
}
