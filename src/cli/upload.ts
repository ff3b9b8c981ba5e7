/**
 * Files on their way to the server. The file is opened before anything is sent; raw disks travel
 * without their holes; everything else as it is.
 */
import { once } from "node:events"
import { type FileHandle, open } from "node:fs/promises"
import type { ClientRequest } from "node:http"
import { sparseType } from "../domain/sparse.ts"
import type { Ask } from "./client.ts"
import { Failure, fileFailure } from "./failure.ts"
import { openProgress, type Progress } from "./progress.ts"
import type { Session } from "./session.ts"
import { showSize } from "./sizes.ts"
import {
  dataExtents,
  type Extent,
  framedBytes,
  frames,
  readExtents,
  readInOrder,
} from "./sparse-file.ts"

/** An open file; `size` is null where it is not a regular file. `path` may be `-`: stdin. */
export type LocalFile = { path: string; handle: FileHandle | null; sizeBytes: number | null }

export async function openLocal(path: string): Promise<LocalFile> {
  if (path === "-") return { path, handle: null, sizeBytes: null }
  try {
    const handle = await open(path, "r")
    const stat = await handle.stat()
    if (stat.isDirectory()) throw new Failure("usage", `${path} is a directory, not a file`)
    if (stat.isFile() && stat.size === 0) throw new Failure("usage", `${path} is empty`)
    return { path, handle, sizeBytes: stat.isFile() ? stat.size : null }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw fileFailure(path, "read", cause)
  }
}

/** The server works on after the last byte: it makes all of it durable before it answers. */
const silenceMs = 3_600_000

export type Upload = {
  ask: Ask
  file: LocalFile
  format: string
  doing: string
  timeoutMs: number | undefined
}

/** Sends the file and resolves with the server's answer. */
export async function upload<T>(session: Session, order: Upload): Promise<T> {
  const { file, format } = order
  const sparse = format === "raw"
  const progress = openProgress(order.doing)
  const headers: Record<string, string> = {
    "content-type": sparse ? sparseType : "application/octet-stream",
    // Without it the body is sent in chunks, and a file that ends early is noticed all the same.
    ...(sparse || file.sizeBytes === null ? {} : { "content-length": String(file.sizeBytes) }),
  }
  const extents = await extentsOf(file, sparse)
  const mostBytes = sparse && extents !== null ? framedBytes(extents) : undefined
  const deadline = AbortSignal.timeout(order.timeoutMs ?? 2 ** 31 - 1)
  try {
    const answer = await session.client.open(
      { ...order.ask, query: { ...order.ask.query, format, mostBytes }, headers, silenceMs },
      (request) => {
        deadline.addEventListener("abort", () =>
          request.destroy(new Failure("timeout", `${order.doing}: not done in time`)),
        )
        return send(request, { file, extents, sparse }, progress)
      },
    )
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk)
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as T
  } finally {
    progress.end()
    await file.handle?.close()
  }
}

async function send(
  request: ClientRequest,
  { file, extents, sparse }: { file: LocalFile; extents: Extent[] | null; sparse: boolean },
  progress: Progress,
): Promise<void> {
  const whole = file.sizeBytes
  const report = (done: number) => {
    if (whole === null) progress.report(null, showSize(done))
    else progress.report(whole === 0 ? 100 : (done / whole) * 100, `of ${showSize(whole)}`)
  }
  const pieces = watched(piecesOf(file, extents), report)
  const bytes = sparse ? frames(pieces, whole) : plain(pieces)
  let answered = false
  request.once("response", () => {
    answered = true
  })
  for await (const chunk of bytes) {
    // An answer before the end of the body is a refusal; a dead connection says so by itself.
    if (answered || request.destroyed) return
    if (!request.write(chunk)) await drained(request)
  }
  progress.report(100, "the server makes it durable")
  request.end()
}

/** Resolves when the request takes more, or never will. */
async function drained(request: ClientRequest): Promise<void> {
  if (request.destroyed) return
  const stop = new AbortController()
  const over = (event: string) => once(request, event, { signal: stop.signal })
  try {
    await Promise.race([over("drain"), over("response"), over("close")])
  } catch {
    // `once` also ends on the request's error, which the request itself reports.
  } finally {
    stop.abort()
  }
}

/** Where the file holds something; null where only reading it will tell. */
async function extentsOf(file: LocalFile, sparse: boolean): Promise<Extent[] | null> {
  const { path, handle, sizeBytes } = file
  if (handle === null || sizeBytes === null) return null
  return sparse ? await dataExtents(path, sizeBytes) : [{ start: 0, length: sizeBytes }]
}

function piecesOf({ handle }: LocalFile, extents: Extent[] | null) {
  if (handle === null) return readInOrder(process.stdin)
  if (extents === null) return readInOrder(handle.createReadStream({ autoClose: false }))
  return readExtents(handle, extents)
}

type Piece = { offset: number; data: Buffer }

async function* watched(pieces: AsyncIterable<Piece>, report: (done: number) => void) {
  for await (const piece of pieces) {
    yield piece
    report(piece.offset + piece.data.length)
  }
}

async function* plain(pieces: AsyncIterable<Piece>) {
  for await (const piece of pieces) yield piece.data
}
