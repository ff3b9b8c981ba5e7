/** Sizes and times as people write and read them. Sizes are binary: 1K is 1024 bytes. */
import { InvalidArgumentError } from "commander"

const units = ["", "K", "M", "G", "T", "P"]

/** `64M`, `10G`, `1.5T`, `1GiB`, or plain bytes, in bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGTP]?)(?:i?B)?$/i.exec(text.trim())
  const bytes =
    Number(match?.[1]) * 1024 ** Math.max(0, units.indexOf((match?.[2] ?? "").toUpperCase()))
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new InvalidArgumentError("A size is a whole number of bytes, or such as 64M, 10G, 1T.")
  }
  return bytes
}

/** Plain numbers are MiB; `512M` and `1G` say the same in words. */
export function parseMemoryMiB(text: string): number {
  const mib = /^\d+$/.test(text) ? Number(text) : parseSize(text) / 2 ** 20
  if (!Number.isSafeInteger(mib) || mib <= 0) {
    throw new InvalidArgumentError("Memory is in MiB, such as 512, or such as 512M, 1G.")
  }
  return mib
}

/** `30`, `30s`, `5m`, `1h`, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim())
  const factors: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
  if (match === null) {
    throw new InvalidArgumentError("A time is in seconds, such as 30, or such as 30s, 5m, 1h.")
  }
  return Number(match[1]) * (factors[match[2] ?? "s"] ?? 1000)
}

export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError("This is a whole number, at least 1.")
  }
  return count
}

export function parseLimit(text: string): number {
  const limit = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(limit)) {
    throw new InvalidArgumentError("This is a whole number.")
  }
  return limit
}

/** `512 B`, `64 KiB`, `1.5 GiB`. */
export function showSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const power = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  const digits = Number.isInteger(value) || value >= 100 ? 0 : 1
  return `${value.toFixed(digits)} ${units[power]}iB`
}

/** `just now`, `5 min`, `3 h`, `12 d`. */
export function showAge(iso: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000)
  if (Number.isNaN(seconds)) return iso
  if (seconds < 5) return "just now"
  if (seconds < 120) return `${Math.floor(seconds)} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
