/**
 * Bytes from the server into a file. They are written beside the target under another name, made
 * durable, and only then given the target's name: a stream that is cut leaves no file, and
 * nothing that was there is touched without `--force`.
 */
import { randomBytes } from "node:crypto"
import { rmSync } from "node:fs"
import { type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises"
import type { IncomingMessage } from "node:http"
import { basename, dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import type { Ask } from "./client.ts"
import { exitCode, Failure, fileFailure } from "./failure.ts"
import { openProgress } from "./progress.ts"
import type { Session } from "./session.ts"
import { showSize } from "./sizes.ts"
import { writeAll, writeFrames } from "./sparse-file.ts"

export type Download = {
  ask: Ask
  target: string
  force: boolean
  /** The stream is made of frames, with the disk's whole size. */
  sparse: { sizeBytes: number } | null
  doing: string
  timeoutMs: number | undefined
  /** Asked once all bytes are here, before the file gets its name. */
  confirm?(operationId: string | undefined): Promise<void>
}

/** The server may have to prepare before the first byte comes. */
const silenceMs = 900_000

export async function download(
  session: Session,
  order: Download,
): Promise<{ bytes: number; operationId: string | undefined }> {
  await refuseToOverwrite(order.target, order.force)
  return besides(order.target, order.force, async (file) => {
    const answer = await session.client.open({ ...order.ask, silenceMs })
    const deadline = setTimeout(
      () => answer.destroy(new Failure("timeout", `${order.doing}: not done in time`)),
      order.timeoutMs ?? 2 ** 31 - 1,
    )
    try {
      const bytes = await receive(order, answer, file)
      const operationId = answer.headers["x-operation-id"]?.toString()
      await order.confirm?.(operationId)
      return { bytes, operationId }
    } finally {
      clearTimeout(deadline)
    }
  })
}

async function receive(
  order: Download,
  answer: IncomingMessage,
  file: FileHandle,
): Promise<number> {
  const progress = openProgress(order.doing)
  const length = Number(answer.headers["content-length"] ?? Number.NaN)
  const whole = order.sparse?.sizeBytes ?? (Number.isNaN(length) ? null : length)
  const report = (done: number) => {
    if (whole === null || whole === 0) progress.report(null, showSize(done))
    else progress.report(Math.min(100, (done / whole) * 100), `of ${showSize(whole)}`)
  }
  try {
    if (order.sparse !== null) {
      const { sizeBytes } = order.sparse
      const told = await writeFrames(file, answer, report)
      if (told !== sizeBytes) throw new Error(`${told} bytes came instead of ${sizeBytes}`)
      return told
    }
    let at = 0
    await pipeline(answer, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        await writeAll(file, chunk, at)
        at += chunk.length
        report(at)
      }
    })
    return at
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const why = (cause as Error).message
    throw new Failure("failure", `${order.doing}: ${why}; ${order.target} was not written`)
  } finally {
    progress.end()
  }
}

async function refuseToOverwrite(target: string, force: boolean): Promise<void> {
  const there = await lstat(target).catch(() => undefined)
  if (there === undefined) return
  if (there.isDirectory()) throw new Failure("usage", `${target} is a directory`)
  if (!force) throw new Failure("conflict", `${target} exists; --force replaces it`)
  if (!there.isFile() && !there.isSymbolicLink()) {
    throw new Failure("usage", `${target} is not a regular file`)
  }
}

async function besides<T>(
  target: string,
  force: boolean,
  write: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const folder = dirname(target)
  const part = join(folder, `.${basename(target)}.${randomBytes(4).toString("hex")}.part`)
  const file = await open(part, "wx", 0o600).catch((cause) => {
    throw fileFailure(target, "written", cause)
  })
  const interrupted = (signal: NodeJS.Signals) => {
    rmSync(part, { force: true })
    process.exit(signal === "SIGINT" ? exitCode.interrupted : 143)
  }
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted)
  try {
    const result = await write(file)
    await file.sync()
    await place(part, target, force)
    await syncFolder(folder)
    return result
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted)
    await file.close()
    await rm(part, { force: true })
  }
}

/** A link, as against a rename, never replaces what came to be there meanwhile. */
async function place(part: string, target: string, force: boolean): Promise<void> {
  if (force) return rename(part, target)
  await link(part, target).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "EEXIST") throw new Failure("conflict", `${target} exists meanwhile`)
    // Some file systems have no hard links.
    return rename(part, target)
  })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
