/** How large a disk a stream makes, learnt from its first bytes, which stay in the stream. */
import { once } from "node:events"
import { Refusal } from "../domain/fault.ts"
import type { ByteSource } from "./engine.ts"

/** Bytes 24 to 31 of a qcow2 header (QEMU's docs/interop/qcow2.txt). */
const sizeAt = 24
const magic = 0x514649fb

/** Null where only the stream's end tells. Throws `bad-image` for what is not what it says. */
export async function diskBytesOf(source: ByteSource): Promise<number | null> {
  if (source.format === "raw") return source.lengthBytes
  if (source.format === "sparse") return null
  const start = await peek(source.stream, sizeAt + 8)
  if (start.length < sizeAt + 8 || start.readUInt32BE(0) !== magic) {
    throw new Refusal({ kind: "bad-image", why: "it is not a qcow2 file" })
  }
  return Number(start.readBigUInt64BE(sizeAt))
}

async function peek(stream: ByteSource["stream"], length: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let have = 0
  while (have < length && !stream.readableEnded && !stream.destroyed) {
    const piece: Buffer | null = stream.read()
    if (piece === null) {
      await Promise.race([once(stream, "readable"), once(stream, "end"), once(stream, "close")])
      continue
    }
    pieces.push(piece)
    have += piece.length
  }
  const start = Buffer.concat(pieces)
  if (start.length > 0 && !stream.readableEnded) stream.unshift(start)
  return start
}
