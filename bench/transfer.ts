/** Half a gigabyte, half of it holes, into a volume and out again, beside `qemu-img convert`. */
import { createReadStream } from "node:fs"
import { open, rm } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { frameHeader, sparseType } from "../src/domain/sparse.ts"
import { run } from "../src/platform/command.ts"
import type { Benchmark, Finding } from "./benchmark.ts"
import { takeTurns } from "./rig/measure.ts"
import { makeVolume } from "./rig/resources.ts"
import { startServer } from "./rig/server.ts"

const MiB = 2 ** 20
const sizeBytes = 512 * MiB
const rounds = 3
const timeoutMs = 120_000
const plainType = "application/octet-stream"

export const transfer: Benchmark = {
  about: "512 MiB, half of it holes, in and out",
  async *run(stand) {
    const { api } = await startServer(stand)
    const volume = await makeVolume(api, { sizeBytes })
    const content = `/api/volumes/${volume}/content`
    const raw = join(stand.folder, "disk.raw")
    const [converted, back] = [join(stand.folder, "disk.qcow2"), join(stand.folder, "back.raw")]
    await writeHalfEmpty(raw)
    const headers = { "content-type": plainType, "content-length": `${sizeBytes}` }
    const into = await takeTurns(rounds, {
      raw: () => api.send(content, createReadStream(raw, { highWaterMark: MiB }), headers),
      sparse: () => api.send(content, Readable.from(frames(raw)), { "content-type": sparseType }),
      floor: () => convert(["-f", "raw", "-O", "qcow2"], raw, converted),
    })
    const outOf = await takeTurns(rounds, {
      raw: () => api.drain(`${content}?format=raw`),
      sparse: () => api.drain(`${content}?format=sparse`),
      floor: () => convert(["-f", "qcow2", "-O", "raw"], converted, back),
    })
    for (const format of ["raw", "sparse"] as const) {
      yield finding(`import of 512 MiB, half empty, as ${format}`, into[format], into.floor)
    }
    for (const format of ["raw", "sparse"] as const) {
      yield finding(`export of 512 MiB, half empty, as ${format}`, outOf[format], outOf.floor)
    }
  },
}

const finding = (what: string, samples: number[], floor: number[]): Finding => ({
  what,
  unit: "ms",
  samples,
  floor: { what: "qemu-img convert, flushed", samples: floor },
})

/** Every second MiB is a hole. */
async function writeHalfEmpty(path: string): Promise<void> {
  const piece = crypto.getRandomValues(new Uint8Array(65_536))
  const full = Buffer.concat(Array.from({ length: MiB / piece.length }, () => piece))
  const file = await open(path, "wx")
  try {
    for (let at = 0; at < sizeBytes; at += 2 * MiB) await file.write(full, 0, MiB, at)
    await file.truncate(sizeBytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function* frames(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path)
  try {
    for (let at = 0; at < sizeBytes; at += 2 * MiB) {
      const { buffer } = await file.read(Buffer.allocUnsafe(MiB), 0, MiB, at)
      yield frameHeader(at, MiB)
      yield buffer
    }
    yield frameHeader(sizeBytes, 0)
  } finally {
    await file.close()
  }
}

/** Durable when it resolves, as an import is. */
async function convert(formats: readonly string[], from: string, to: string): Promise<void> {
  await rm(to, { force: true })
  await run(["qemu-img", "convert", ...formats, "-t", "writeback", from, to], { timeoutMs })
  const file = await open(to, "r+")
  await file.sync()
  await file.close()
}
