/**
 * Between the domain's objects and SQL's columns. A field `sizeBytes` is the column `size_bytes`;
 * a boolean is 0 or 1, whatever is not a plain value is JSON in a text column. Both databases
 * keep numbers and text alike, so this is the only place where a value changes its shape.
 */
export type SqlValue = string | number | null

/** How a field is kept; the compiler works it out, and insists that the table says the same. */
export type FieldKind<V> = [V] extends [boolean]
  ? "flag"
  : [V] extends [string | null]
    ? "text"
    : [V] extends [number | null]
      ? "number"
      : "json"

type AnyKind = "flag" | "text" | "number" | "json"
export type Fields<T> = { readonly [K in keyof T]-?: FieldKind<T[K]> }

export type Snake<S extends string> = S extends `${infer Head}${infer Rest}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Rest>}`
  : S
type Kept<V> = FieldKind<V> extends "flag" ? number : FieldKind<V> extends "json" ? SqlValue : V
/** The columns of a table that keeps `T`. */
export type Columns<T> = { [K in keyof T & string as Snake<K>]: Kept<T[K]> }

export type Table<T> = {
  readonly name: string
  readonly columns: readonly string[]
  column(field: keyof T & string): { name: string; kind: AnyKind }
  /** Takes the fields present, in the table's own order, so that equal writes are equal SQL. */
  encode(row: Partial<T>): Record<string, SqlValue>
  decode(columns: Record<string, SqlValue>): T
  /** For rows in which its columns are called so: the prefix, then their own names. */
  decoder(prefix: string): (columns: Record<string, SqlValue>) => T
}

export function table<T extends object>(name: string, fields: Fields<T>): Table<T> {
  const known = Object.entries<AnyKind>(fields).map(([field, kind]) => ({
    field,
    column: columnName(field),
    kind,
    place: `${name}.${field}`,
  }))
  const byField = new Map(known.map(({ field, column, kind }) => [field, { name: column, kind }]))
  // Lists decode thousands of rows: all fields at once is quicker than one after the other.
  const blank = Object.fromEntries(known.map(({ field }) => [field, null]))
  const decoder = (prefix: string) => {
    const parts = known.map((part) => ({ ...part, column: prefix + part.column }))
    return (columns: Record<string, SqlValue>): T => {
      const row: Record<string, unknown> = { ...blank }
      for (const { field, column, kind, place } of parts) {
        row[field] = decodeValue(kind, columns[column], place)
      }
      return row as T
    }
  }
  return {
    name,
    columns: known.map(({ column }) => column),
    column(field) {
      const column = byField.get(field)
      if (column === undefined) throw new Error(`${name} has no field ${field}`)
      return column
    },
    encode(row) {
      const columns: Record<string, SqlValue> = {}
      for (const { field, column, kind, place } of known) {
        if (!(field in row)) continue
        columns[column] = encodeValue(kind, row[field as keyof T], place)
      }
      return columns
    },
    decode: decoder(""),
    decoder,
  }
}

const columnName = (field: string) =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Checks what it writes: SQL would keep NaN as null, and a wrong type as whatever it likes. */
export function encodeValue(kind: AnyKind, value: unknown, where: string): SqlValue {
  if (value === undefined) throw new Error(`${where} is undefined`)
  if (value === null) return null
  if (kind === "json") return JSON.stringify(value)
  if (kind === "flag" && typeof value === "boolean") return value ? 1 : 0
  if (kind === "text" && typeof value === "string") return value
  if (kind === "number" && typeof value === "number" && Number.isFinite(value)) return value
  throw new Error(`${where} should be a ${kind}, and is a ${typeof value}`)
}

export function decodeValue(kind: AnyKind, value: SqlValue | undefined, where: string): unknown {
  if (value === undefined) throw new Error(`${where} has no column`)
  if (kind === "text" || kind === "number") return value
  if (kind === "flag") return value !== 0
  // Most labels are empty, and rows have several.
  if (kind === "json" && value === "{}") return {}
  if (kind === "json" && typeof value === "string") return JSON.parse(value)
  return value
}
