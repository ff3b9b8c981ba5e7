/**
 * `doctor` where no server runs. It starts the service without its doors, so that what a crash
 * left behind is picked up as at any start, lets that work end, and then looks.
 */
import type { Principal } from "./domain/account.ts"
import { explain } from "./domain/fault.ts"
import type { Finding } from "./domain/finding.ts"
import type { openService } from "./service.ts"

type Service = Awaited<ReturnType<typeof openService>>

export type DoctorFlags = { fix: boolean; json: boolean }

/** Prints what it found; resolves with the exit code: 0 when nothing is wrong. */
export async function runDoctor(
  service: Service,
  who: Principal,
  { fix, json }: DoctorFlags,
): Promise<number> {
  try {
    await service.executor.idle()
    const first = await service.core.house.doctor(who, { fix, rebuild: false })
    if (!first.ok) {
      process.stderr.write(`tintype: ${explain(first.fault)}\n`)
      return 1
    }
    if (fix) await service.executor.idle()
    const last = fix ? await service.core.house.doctor(who, { fix: false, rebuild: false }) : first
    const items = last.ok ? last.value : []
    process.stdout.write(json ? `${JSON.stringify({ items })}\n` : inWords(items))
    return items.some((item) => item.severity === "wrong") ? 1 : 0
  } finally {
    await service.close(5_000)
  }
}

/** Where no server ever ran; resolves with the exit code. */
export function nothingThere(dataDir: string, json: boolean): number {
  const what = `there is no state directory ${dataDir}`
  const remedy = "a server makes it: ./tintype serve; another one is named by TINTYPE_DATA"
  const items: Finding[] = [{ severity: "note", what, remedy }]
  process.stdout.write(json ? `${JSON.stringify({ items })}\n` : inWords(items))
  return 0
}

const inWords = (items: readonly Finding[]): string =>
  items.length === 0
    ? "nothing is wrong\n"
    : items.map(({ severity, what, remedy }) => line(severity, what, remedy)).join("")

const line = (severity: string, what: string, remedy: string | null) =>
  `${severity}: ${what}${remedy === null ? "" : `\n       ${remedy}`}\n`
