/**
 * The parent's name in a layer's header. Nobody here believes it; it is kept right for people with
 * `qemu-img`, and for the day when the memory is lost. It is written in place, within the first
 * sector and without changing its length, also while QEMU has the layer open: QEMU writes to a
 * header only when it grows a table.
 */
import { open } from "node:fs/promises"
import { errorCode } from "../../platform/files.ts"
import { parseHeader } from "./header.ts"
import { type LayerId, layerFile } from "./layer-files.ts"

const sectorBytes = 512

/** Durable when it resolves; a layer that is gone, or says so already, is left alone. */
export async function writeBackingName(path: string, parent: LayerId): Promise<void> {
  const name = Buffer.from(layerFile(parent))
  const file = await open(path, "r+").catch((cause: unknown) => {
    if (errorCode(cause) === "ENOENT") return null
    throw cause
  })
  if (file === null) return
  try {
    const sector = Buffer.alloc(sectorBytes)
    const { bytesRead } = await file.read(sector, 0, sectorBytes, 0)
    const { backingName, backingOffset } = parseHeader(sector.subarray(0, bytesRead))
    if (backingName === layerFile(parent)) return
    if (backingName === null || Buffer.byteLength(backingName) !== name.length) {
      throw new Error(`${path} has no room for the name of its parent`)
    }
    await file.write(name, 0, name.length, backingOffset)
    await file.datasync()
  } finally {
    await file.close()
  }
}
