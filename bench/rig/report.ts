/** What was found, in figures: a table for people, one JSON value for programs. */
import { cpus, release } from "node:os"
import type { Finding, Goal, Unit } from "../benchmark.ts"
import { quantile } from "./measure.ts"

export type Line = {
  benchmark: string
  what: string
  unit: Unit
  count: number
  p50: number
  /** The bad end; null where there are too few samples to have one. */
  p99: number | null
  floor: { what: string; p50: number } | null
  /** How many times worse than the floor: slower, or fewer a second. */
  ratio: number | null
  goal: string | null
  met: boolean | null
}
export type Report = {
  machine: { processor: string; cores: number; kernel: string; node: string }
  findings: Line[]
  failures: { benchmark: string; why: string }[]
}

export const newReport = (): Report => ({
  machine: {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    node: process.versions.node,
  },
  findings: [],
  failures: [],
})

export function lineOf(benchmark: string, { what, unit, samples, floor, goal }: Finding): Line {
  const p50 = quantile(samples, 0.5)
  // Of a rate the bad end is the low one.
  const p99 = quantile(samples, unit === "/s" ? 0.01 : 0.99)
  const below = floor === undefined ? null : quantile(floor.samples, 0.5)
  const ratio = below === null ? null : unit === "/s" ? below / p50 : p50 / below
  return {
    benchmark,
    what,
    unit,
    count: samples.length,
    p50: rounded(p50),
    p99: samples.length < fewest ? null : rounded(p99),
    floor: floor === undefined || below === null ? null : { what: floor.what, p50: rounded(below) },
    ratio: ratio === null ? null : rounded(ratio),
    goal: goal === undefined ? null : goalText(goal, unit),
    met: goal === undefined ? null : isMet(goal, { ratio, p50 }),
  }
}

const fewest = 5

const rounded = (value: number) => Number(value.toPrecision(3))

function goalText(goal: Goal, unit: Unit): string {
  const bound = "atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`
  return goal.of === "ratio" ? `${bound}×` : withUnit(bound, unit)
}

function isMet(goal: Goal, found: { ratio: number | null; p50: number }): boolean {
  const value = found[goal.of]
  if (value === null) return false
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast
}

const titles = ["what", "p50", "p99", "floor", "p50", "ratio", "goal", "met"]
const toTheRight = new Set([1, 2, 4, 5])

/** One line, for whoever watches. */
export const inBrief = (line: Line): string =>
  cells(line)
    .filter((cell) => cell !== "")
    .join("  ")

/** All that was promised, and whether it is so: what a reader wants to know first. */
function promises({ findings, failures }: Report): string[] {
  const promised = findings.filter(({ met }) => met !== null)
  const kept = promised.filter(({ met }) => met)
  const width = Math.max(0, ...promised.map(({ goal }) => goal?.length ?? 0))
  const told = promised.map((line) => {
    const { what, unit, p50, floor, ratio, goal, met } = line
    const beside = floor === null ? "" : `, ${withUnit(figure(floor.p50), unit)} ${floor.what}`
    const times = ratio === null ? "" : `${figure(ratio)}×: `
    const found = `${times}${withUnit(figure(p50), unit)}${beside}`
    return `  ${met ? "kept  " : "BROKEN"}  ${(goal ?? "").padEnd(width)}  ${what}  (${found})`
  })
  const failed = failures.map(({ benchmark, why }) => `  FAILED  ${benchmark}: ${why}`)
  return [
    `${kept.length} of ${promised.length} promises are kept here and now:`,
    ...told,
    ...failed,
  ]
}

/** Ends with a newline. */
export function table(report: Report): string {
  const { machine, findings } = report
  const rows = [titles, ...findings.map(cells)]
  const widths = titles.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return toTheRight.has(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join("  ")
      .trimEnd(),
  )
  const { processor, cores, kernel, node } = machine
  const where = `${processor}, ${cores} cores, Linux ${kernel}, Node ${node}`
  return `${[where, "", ...lines, "", ...promises(report)].join("\n")}\n`
}

function cells({ what, unit, p50, p99, floor, ratio, goal, met }: Line): string[] {
  return [
    what,
    withUnit(figure(p50), unit),
    p99 === null ? "" : withUnit(figure(p99), unit),
    floor?.what ?? "",
    floor === null ? "" : withUnit(figure(floor.p50), unit),
    ratio === null ? "" : `${figure(ratio)}×`,
    goal ?? "",
    met === null ? "" : met ? "yes" : "NO",
  ]
}

const withUnit = (text: string, unit: Unit) => (unit === "/s" ? `${text}/s` : `${text} ${unit}`)

const figure = (value: number) => (value >= 100 ? value.toFixed(0) : String(value))
