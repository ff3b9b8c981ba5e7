/** The sizes that a volume may have, the same in every engine. */
import { Refusal } from "../domain/fault.ts"
import { largestVolumeBytes, sectorBytes } from "../domain/volume.ts"

const what = "the volume"

export function checkVolumeSize(bytes: number): void {
  if (!Number.isSafeInteger(bytes) || bytes < sectorBytes || bytes > largestVolumeBytes) {
    const bounds = { atLeast: sectorBytes, atMost: largestVolumeBytes }
    throw new Refusal({ kind: "size", what, bytes, ...bounds })
  }
  if (bytes % sectorBytes === 0) return
  const why = `${bytes} bytes are not a whole number of sectors of ${sectorBytes}`
  throw new Refusal({ kind: "invalid", why, field: "size" })
}

/** A volume may be larger than the point it starts from, never smaller. */
export function expectRoomFor(pointBytes: number, volumeBytes: number): void {
  if (pointBytes <= volumeBytes) return
  throw new Refusal({ kind: "size", what, bytes: volumeBytes, atLeast: pointBytes })
}
