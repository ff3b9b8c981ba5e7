/** Times, sizes and shares as a settings file says them. */
import { z } from "zod"

const second = 1000
export const day = 86_400 * second
const unitsMs: Record<string, number> = { ms: 1, s: second, m: 60_000, h: 3_600_000, d: day }
const longestMs = 3650 * day

/** A number and its unit, such as `"7d"` or `"90s"`; `"0"` is none. In milliseconds. */
export const duration = z.string().transform((text, context) => {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = text === "0" ? 0 : Number(count) * (unitsMs[unit ?? ""] ?? Number.NaN)
  if (ms <= longestMs) return ms
  context.addIssue('a duration such as "90s", "12h" or "7d" (ms, s, m, h, d; ten years at most)')
  return z.NEVER
})

const sizeUnits = ["", "K", "M", "G", "T", "P"]

/** Binary, as everywhere: `"1K"` is 1024 bytes. */
function bytesOf(text: string): number {
  const [, count, unit] = /^(\d{1,16}(?:\.\d{1,6})?)\s*([KMGTP]?)(?:i?B)?$/i.exec(text) ?? []
  const bytes = Number(count) * 1024 ** sizeUnits.indexOf((unit ?? "").toUpperCase())
  return Number.isSafeInteger(bytes) ? bytes : Number.NaN
}

/** Plain bytes, or a number and its unit, such as `"64M"`, `"10G"`, `"1.5T"`. */
export const size = z.union([z.int().min(0), z.string()]).transform((written, context) => {
  const bytes = typeof written === "number" ? written : bytesOf(written)
  if (!Number.isNaN(bytes)) return bytes
  context.addIssue('a size such as "64M", "10G" or "1T" (K, M, G, T, P; whole bytes)')
  return z.NEVER
})

/** A size, or a share of something larger, such as `"5%"`. */
export const sizeOrShare = z.union([z.int().min(0), z.string()]).transform((written, context) => {
  const text = String(written)
  const [, percent] = /^(\d{1,2}(?:\.\d{1,6})?)\s*%$/.exec(text) ?? []
  if (percent !== undefined) return { share: Number(percent) / 100 }
  const bytes = bytesOf(text)
  if (!Number.isNaN(bytes)) return { bytes }
  context.addIssue('a size such as "1G", or a share below 100 such as "5%"')
  return z.NEVER
})

const count = z.int().min(0)
/** What one machine or volume may use. */
export const sourceQuota = z.strictObject({
  snapshots: z.exactOptional(count),
  logicalBytes: z.exactOptional(size),
  physicalBytes: z.exactOptional(size),
})
/** What an account may use. */
export const accountQuota = z.strictObject({
  machines: z.exactOptional(count),
  volumes: z.exactOptional(count),
  ...sourceQuota.shape,
})
