/** The least that tells what a qcow2 file holds: its tables, read (docs/interop/qcow2.txt). */
import { type FileHandle, open } from "node:fs/promises"

const clusterBytes = 65_536
const inFlight = 8
/** The bits of an entry that are an offset in the file. */
const offsetBits = 0x00ff_ffff_ffff_fe00n

export async function readTables(path: string): Promise<void> {
  const file = await open(path, "r")
  try {
    const header = await bytesAt(file, 0, 72)
    const l1 = await bytesAt(file, Number(header.readBigUInt64BE(40)), header.readUInt32BE(36) * 8)
    const tables: number[] = []
    for (let at = 0; at < l1.length; at += 8) {
      const offset = Number(l1.readBigUInt64BE(at) & offsetBits)
      if (offset !== 0) tables.push(offset)
    }
    const reader = async () => {
      for (let at = tables.pop(); at !== undefined; at = tables.pop()) {
        await bytesAt(file, at, clusterBytes)
      }
    }
    await Promise.all(Array.from({ length: inFlight }, reader))
  } finally {
    await file.close()
  }
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  return (await file.read(Buffer.alloc(length), 0, length, at)).buffer
}
