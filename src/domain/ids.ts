/**
 * Ids have a kind, so that swapping two of them does not compile. All are UUIDs; the ones made
 * here are version 7 (RFC 9562, section 5.7): the first 48 bits are the time, so ids sort by age
 * and one index on the id serves every keyset-paged list.
 */
declare const kind: unique symbol
export type Id<K extends string> = string & { readonly [kind]: K }

export type AccountId = Id<"account">
export type UserId = Id<"user">
export type TokenId = Id<"token">
export type KeyId = Id<"key">
export type AppCredentialId = Id<"app-credential">
export type ImageId = Id<"image">
export type VolumeId = Id<"volume">
export type MachineId = Id<"machine">
export type SnapshotId = Id<"snapshot">
export type PointId = Id<"point">
export type OperationId = Id<"operation">

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The one way from outside text to an id; upper case is accepted and folded. */
export function parseId<K extends string>(text: string): Id<K> | undefined {
  const folded = text.toLowerCase()
  return uuid.test(folded) ? (folded as Id<K>) : undefined
}

let lastMs = 0
let counter = 0

/** A new UUIDv7. Within one process ids never go backwards, even inside one millisecond. */
export function newId<K extends string>(nowMs: number = Date.now()): Id<K> {
  const at = Math.max(nowMs, lastMs)
  counter = at === lastMs ? counter + 1 : 0
  lastMs = counter > 0xfff ? at + 1 : at
  if (counter > 0xfff) counter = 0
  const time = lastMs.toString(16).padStart(12, "0")
  const order = counter.toString(16).padStart(3, "0")
  // Its last two groups: the variant, and 62 bits of chance.
  const chance = crypto.randomUUID().slice(19)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${chance}` as Id<K>
}
