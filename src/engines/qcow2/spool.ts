/** Images in QEMU's format on their way in or out: a file each, and never longer than its work. */
import { type FileHandle, open } from "node:fs/promises"
import { Refusal } from "../../domain/fault.ts"
import { newId } from "../../domain/ids.ts"
import { openNew, removeFile } from "../../platform/files.ts"
import type { ByteSink, ByteSource, Watch } from "../engine.ts"
import { chunksOf, pieceBytes, pour, tooLarge } from "../streams.ts"
import { fileRights, type House } from "./store.ts"

/** A new name in the spool, whose file is gone when `work` has ended. */
export async function spooled(house: House, work: (name: string) => Promise<void>): Promise<void> {
  const name = `${newId()}.qcow2`
  try {
    await work(name)
  } finally {
    await removeFile(house.spool.file(name))
  }
}

/** Left free for the machines that run here. */
const reserveBytes = 32 * 2 ** 20
const roomCheckedEveryBytes = 16 * 2 ** 20

/**
 * An image file may be larger than the disk it shows, by its tables and its internal snapshots;
 * one of more than twice the volume is refused.
 */
const largestImage = (volumeBytes: number) => 2 * volumeBytes + 64 * 2 ** 20

export async function spool(
  house: House,
  name: string,
  source: ByteSource,
  volumeBytes: number,
  watch: Watch,
): Promise<void> {
  const atMost = largestImage(volumeBytes)
  const expected = source.lengthBytes ?? 0
  if (expected > atMost) throw tooLarge(expected, atMost)
  const file = await openNew(house.spool.file(name), fileRights(house.user))
  try {
    let written = 0
    let checkAt = 0
    for await (const chunk of chunksOf(source, watch)) {
      if (written + chunk.length > atMost) throw tooLarge(written + chunk.length, atMost)
      if (written >= checkAt) {
        await expectRoom(house, Math.max(expected - written, chunk.length))
        checkAt = written + roomCheckedEveryBytes
      }
      await file.writeFile(chunk)
      written += chunk.length
    }
  } finally {
    await file.close()
  }
}

async function expectRoom(house: House, neededBytes: number): Promise<void> {
  const freeBytes = (await house.spool.freeBytes()) - reserveBytes
  if (freeBytes >= neededBytes) return
  throw new Refusal({ kind: "no-space", neededBytes, freeBytes: Math.max(freeBytes, 0) })
}

/** For QEMU's unprivileged user, who may write into a file here but not make one. */
export async function emptySpooled(house: House, name: string): Promise<void> {
  const file = await openNew(house.spool.file(name), fileRights(house.user))
  await file.close()
}

export async function pourSpooled(house: House, name: string, sink: ByteSink, watch: Watch) {
  const file = await open(house.spool.file(name), "r")
  try {
    const { size } = await file.stat()
    await pour(bytesIn(file), size, sink, watch)
  } finally {
    await file.close()
  }
}

async function* bytesIn(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(pieceBytes))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}
