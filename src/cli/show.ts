/**
 * What a command prints on stdout: with `-o json` one JSON value, otherwise tables for people.
 * Names may come from other people, so control characters never reach the terminal.
 */
import { styleText } from "node:util"
import type { Kind, Resource } from "./resources.ts"
import { showAge, showSize } from "./sizes.ts"

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export async function printTable(kind: Kind, resources: readonly Resource[]): Promise<void> {
  const now = Date.now()
  const titles = kind.columns.map((column) => column.title)
  const rows = resources.map((it) => kind.columns.map((column) => column.cell(it, now)))
  process.stdout.write(await drawTable([titles.map(styled("bold")), ...rows.map(coloured)]))
}

/** Field by field, one a line; used where one thing is shown in full. */
export async function printDetails(resource: object): Promise<void> {
  const now = Date.now()
  const rows = Object.entries(resource).map(([field, value]) => [
    styled("bold")(field),
    ...coloured([detail(field, value, now)]),
  ])
  process.stdout.write(await drawTable(rows))
}

/** Columns two spaces apart, without borders; widths count what a terminal shows. */
async function drawTable(rows: string[][]): Promise<string> {
  const { default: Table } = await import("cli-table3")
  const none = { top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "" }
  const inner = { "bottom-mid": "", "bottom-left": "", "bottom-right": "", left: "", right: "" }
  const middle = { "left-mid": "", mid: "", "mid-mid": "", "right-mid": "", middle: "  " }
  const style = { "padding-left": 0, "padding-right": 0, head: [], border: [] }
  const table = new Table({ chars: { ...none, ...inner, ...middle }, style })
  table.push(...rows)
  return `${table.toString().replaceAll(/ +$/gm, "")}\n`
}

const stateColours = { failed: "red", stuck: "red", undone: "red", running: "green" } as const

function coloured(cells: string[]): string[] {
  return cells.map((cell) => {
    const clean = printable(cell)
    const colour = stateColours[clean as keyof typeof stateColours]
    return colour === undefined ? clean : styled(colour)(clean)
  })
}

/** Only on a terminal, and not under NO_COLOR. */
function styled(style: "bold" | "red" | "green"): (words: string) => string {
  const wanted = process.stdout.isTTY === true && !process.env["NO_COLOR"]
  return (words) => (wanted ? styleText(style, words, { validateStream: false }) : words)
}

export function printable(words: string): string {
  return words.replaceAll(/\p{Cc}/gu, "\u{fffd}")
}

function detail(field: string, value: unknown, now: number): string {
  if (value === null || value === undefined) return "-"
  if (field.endsWith("Bytes") && typeof value === "number") return `${showSize(value)} (${value})`
  if (field.endsWith("At") && typeof value === "string") return `${value} (${showAge(value, now)})`
  if (Array.isArray(value)) return value.map((item) => inline(item)).join("; ") || "-"
  return inline(value)
}

function inline(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value)
  const pairs = Object.entries(value).filter(([, inner]) => inner !== null)
  return pairs.map(([key, inner]) => `${key} ${inline(inner)}`).join(", ")
}
