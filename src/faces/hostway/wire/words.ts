/** The words that all nouns share: names, texts, references by URL, and two ways to tell a time. */
import { z } from "zod"

/** The one place things are in; every zone a client may name is this one. */
export const zone = { zone: "zone-1", location: "local" } as const

export const name = z
  .string()
  .max(255)
  .refine((text) => text.trim() !== "", { error: "must not be empty" })

/** Null and absence are the empty text: clients send either. */
export const text = (atMost: number) =>
  z
    .string()
    .max(atMost)
    .nullish()
    .transform((given) => given ?? "")

export const metadata = z
  .record(z.string().min(1).max(255), z.string().max(1024))
  .refine((entries) => Object.keys(entries).length <= 128, { error: "has too many entries" })
  .nullish()
  .transform((given) => given ?? {})

/** No zone, or ours. */
export const zoneWish = z.enum([zone.zone, ""]).nullish()

/** Things are named by their URL, which is what links show, or by their id alone. */
export const reference = z
  .union([z.string().max(2048), z.int().min(0)])
  .transform((given) => lastOf(String(given)))

export const lastOf = (url: string): string =>
  (url.split(/[?#]/, 1)[0] ?? "").split("/").findLast((part) => part !== "") ?? ""

/** `2012-07-19 13:04:05`, in UTC. */
export const toStamp = (epochMs: number): string =>
  new Date(epochMs).toISOString().slice(0, 19).replace("T", " ")

/** `2012-07-19T13:04:05Z` */
export const toIso = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`
