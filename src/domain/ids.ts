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
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const at = Math.max(nowMs, lastMs)
  counter = at === lastMs ? counter + 1 : 0
  lastMs = counter > 0xfff ? at + 1 : at
  if (counter > 0xfff) counter = 0
  const view = new DataView(bytes.buffer)
  view.setUint32(0, Math.floor(lastMs / 0x10000))
  view.setUint16(4, lastMs % 0x10000)
  view.setUint16(6, 0x7000 | counter)
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ]
  return parts.join("-") as Id<K>
}
