/** Disks for the demo, and a look at their bytes. */
import { createHash, randomBytes } from "node:crypto"
import { open } from "node:fs/promises"

const mib = 2 ** 20

/** A raw disk of which a few pieces are random data and the rest was never written. */
export async function sparsePicture(file: string, sizeBytes: number): Promise<void> {
  const handle = await open(file, "w")
  try {
    await handle.truncate(sizeBytes)
    for (const offset of [0, 17 * mib, sizeBytes / 2, sizeBytes - mib]) {
      await handle.write(randomBytes(mib), 0, mib, offset)
    }
  } finally {
    await handle.close()
  }
}

export async function readRange(file: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(file, "r")
  try {
    const bytes = Buffer.alloc(length)
    let read = 0
    while (read < length) {
      const { bytesRead } = await handle.read(bytes, read, length - read, offset + read)
      if (bytesRead === 0) return bytes.subarray(0, read)
      read += bytesRead
    }
    return bytes
  } finally {
    await handle.close()
  }
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex")
}
