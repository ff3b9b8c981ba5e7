/**
 * The words that all nouns share: names, ids, sizes, times, pages. Schemas read what comes in;
 * those registered in `components` are named in the OpenAPI document and referred to from there.
 */
import { z } from "zod"
import type { ResourceKind } from "../../../domain/fault.ts"
import { type Id, parseId } from "../../../domain/ids.ts"
import { largestVolumeBytes, sectorBytes } from "../../../domain/volume.ts"
import type { FaultParams } from "../../read.ts"

export const components = z.registry<{ id: string }>()

/** What a schema is to look like in the OpenAPI document, where reading takes more than it says. */
export const toldAs = new WeakMap<object, Record<string, unknown>>()

export function told<S extends z.ZodType>(schema: S, as: Record<string, unknown>): S {
  toldAs.set(schema, as)
  return schema
}

/** An id in a body or query; one that is no UUID is the id of nothing. */
export const idOf = <K extends ResourceKind>(kind: K) =>
  told(
    z
      .string()
      .max(255)
      .transform((text, context): Id<K> => {
        const id = parseId<K>(text)
        if (id !== undefined) return id
        const params: FaultParams = { fault: { kind: "not-found", what: kind, id: text } }
        context.issues.push({ code: "custom", input: text, params })
        return z.NEVER
      }),
    { type: "string", format: "uuid", description: `The ${kind}'s id.` },
  )

// Line separators break the logs and tables that names end up in, as control characters do.
const unprintable = /[\p{Cc}\u2028\u2029]/u

/** What things are called: by people, in lists and logs, never as a path. */
export const name = told(
  z
    .string()
    .refine((text) => text.isWellFormed(), { error: "is not well-formed Unicode" })
    .refine((text) => [...text].length >= 1 && [...text].length <= 255, {
      error: "must have 1 to 255 characters",
    })
    .refine((text) => !unprintable.test(text), { error: "must not contain control characters" })
    .refine((text) => !text.includes("/"), { error: "must not contain a slash" })
    .refine((text) => text.trim() === text, { error: "must not begin or end with white space" }),
  {
    type: "string",
    minLength: 1,
    maxLength: 255,
    pattern: "^[^/\\p{Cc}]*$",
    description: "No slash, no control characters, no white space around it.",
  },
)

export const sizeBytes = z
  .int()
  .min(sectorBytes)
  .max(largestVolumeBytes)
  .multipleOf(sectorBytes)
  .describe("Bytes, a multiple of 512.")

/** A number in a query string: digits only, no signs, points or exponents. */
export const queryNumber = (atLeast: number, atMost: number) =>
  told(
    z
      .string()
      .regex(/^\d{1,15}$/, { error: "must be a whole number" })
      .transform(Number)
      .pipe(z.int().min(atLeast).max(atMost)),
    { type: "integer", minimum: atLeast, maximum: atMost },
  )

export const queryNumberOr = (fallback: number, atLeast: number, atMost: number) =>
  told(queryNumber(atLeast, atMost).default(fallback), {
    type: "integer",
    minimum: atLeast,
    maximum: atMost,
    default: fallback,
  })

export const queryFlag = told(
  z.enum(["true", "false"]).transform((text) => text === "true"),
  { type: "boolean" },
)

/** Where a list goes on: the last id seen, dressed so that nobody builds one by hand. */
const cursor = told(
  z
    .string()
    .max(255)
    .transform((text, context): string => {
      const id = parseId(Buffer.from(text, "base64url").toString("latin1"))
      if (id !== undefined) return id
      context.issues.push({ code: "custom", input: text, message: "is not a cursor of this list" })
      return z.NEVER
    }),
  { type: "string", description: "The `next` of the page before." },
)
export const cursorOf = (id: string): string => Buffer.from(id, "latin1").toString("base64url")

export const pageQuery = {
  limit: queryNumberOr(100, 1, 1000),
  after: z.exactOptional(cursor),
}
/** Members of every list's query that has more of its own. */
export const listQuery = {
  ...pageQuery,
  name: z.exactOptional(z.string().max(1024)),
  allAccounts: z.exactOptional(queryFlag),
}

export const ListQuery = z.strictObject(listQuery)

/** The length of a body that is sent in chunks is known to its sender at best. */
export const mostBytes = z
  .exactOptional(queryNumber(1, Number.MAX_SAFE_INTEGER))
  .describe("The body has no more bytes than this: only so many need be free, and are taken.")

export const UploadQuery = z.strictObject({
  format: z.enum(["raw", "qcow2"]).default("raw"),
  mostBytes,
})
export const downloadFormat = z.enum(["raw", "sparse", "qcow2"]).default("raw")
export const DownloadQuery = z.strictObject({ format: downloadFormat })

/** A thing, and the operation that works on it. */
export const startedOf = (thing: z.ZodObject, id: string) =>
  z.intersection(thing, z.object({ operationId: uuid })).register(components, { id })

export const pageOf = <S extends z.ZodType>(item: S, id: string) =>
  z
    .object({ items: z.array(item), next: z.string().nullable() })
    .describe("`next` is null on the last page.")
    .register(components, { id })

/** Rendered words. */
export const uuid = z.uuid()
export const time = z.iso.datetime()
export const bytes = z.int().min(0).describe("Bytes.")
export const toTime = (epochMs: number): string => new Date(epochMs).toISOString()
export const toTimeOrNull = (epochMs: number | null): string | null =>
  epochMs === null ? null : toTime(epochMs)
