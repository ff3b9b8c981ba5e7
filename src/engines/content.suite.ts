/** What the stories write into volumes and read back, and how they expect a refusal. */
import { createHash } from "node:crypto"
import { PassThrough, Readable } from "node:stream"
import { expect } from "vitest"
import { type FaultKind, Refusal } from "../domain/fault.ts"
import { newId, type PointId, type VolumeId } from "../domain/ids.ts"
import { frameHeader } from "../domain/sparse.ts"
import type { Engine, StreamFormat, Watch } from "./engine.ts"

export const mebi = 2 ** 20
export const volumeId = (): VolumeId => newId<"volume">()
export const pointId = (): PointId => newId<"point">()

/** A size that is a whole number of nothing but sectors. */
export const odd = 3 * mebi + 512

export async function blank({ engine }: { engine: Engine }, sizeBytes = odd): Promise<VolumeId> {
  const volume = volumeId()
  await engine.createHead(volume, { sizeBytes })
  return volume
}

/** A volume whose content is told from any other's. */
export async function filled({ engine }: { engine: Engine }, word: string) {
  const volume = volumeId()
  await engine.createHead(volume, { sizeBytes: mebi })
  const bytes = content(word, mebi)
  await put(engine, volume, bytes)
  return { volume, bytes }
}

export const watch = (signal = new AbortController().signal): Watch => ({
  progress() {},
  signal,
})

/** Bytes without a pattern, the same for the same word. */
export function content(word: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const key = createHash("sha256").update(word).digest()
  let state = key.readUInt32LE() | 1
  for (let at = 0; at + 4 <= length; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes.writeInt32LE(state, at)
  }
  return bytes
}

/** Numbers from 0 to 1, the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A disk with holes: runs of bytes at any offset, some of them zeros. */
export function patchy(seed: number, length: number): Buffer {
  const roll = dice(seed)
  const disk = Buffer.alloc(length)
  for (let run = 0; run < 12; run++) {
    const from = Math.floor(roll() * length)
    const size = Math.floor(roll() ** 3 * (length / 4))
    const bytes = roll() < 0.2 ? Buffer.alloc(size) : content(`${seed} ${run}`, size)
    disk.set(bytes.subarray(0, length - from), from)
  }
  return disk
}

/** A sparse stream of a disk, cut where a careless program might cut it. */
export function sparseOf(disk: Buffer, seed: number): Buffer {
  const roll = dice(seed)
  const parts: Uint8Array[] = []
  for (let at = 0; at < disk.length; ) {
    const end = Math.min(disk.length, at + 1 + Math.floor(roll() ** 2 * 3_000_000))
    const bytes = disk.subarray(at, end)
    if (!bytes.equals(Buffer.alloc(bytes.length))) parts.push(frameHeader(at, bytes.length), bytes)
    at = end
  }
  return Buffer.concat([...parts, frameHeader(disk.length, 0)])
}

/** In chunks of uneven sizes. */
export function stream(bytes: Buffer, chunkBytes = 50_000): Readable {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(bytes.subarray(at, at + chunkBytes))
  }
  return Readable.from(chunks)
}

export async function put(
  engine: Engine,
  volume: VolumeId,
  bytes: Buffer,
  format: StreamFormat = "raw",
): Promise<void> {
  const source = { format, stream: stream(bytes), lengthBytes: bytes.length }
  await engine.write(volume, source, watch())
}

export async function bytesOf(
  engine: Engine,
  of: { volume: VolumeId } | { point: PointId },
  format: StreamFormat = "raw",
): Promise<Buffer> {
  const parts: Buffer[] = []
  let told: number | null = null
  const open = (lengthBytes: number | null) => {
    told = lengthBytes
    const through = new PassThrough()
    return through.on("data", (part: Buffer) => parts.push(part))
  }
  await engine.read(of, { format, open }, watch())
  const bytes = Buffer.concat(parts)
  if (told !== null) expect(bytes.length).toBe(told)
  return bytes
}

/** It is refused, with this fault. */
export async function fails(kind: FaultKind, work: Promise<unknown>): Promise<void> {
  const outcome = await work.then(
    () => "it succeeded",
    (cause: unknown) => (cause instanceof Refusal ? cause.fault.kind : cause),
  )
  expect(outcome).toBe(kind)
}
