/**
 * Connecting to a unix socket, wherever it lies and however soon its owner makes it.
 *
 * A socket's address holds 107 bytes of path (unix(7), `sun_path`), and a state directory may be
 * deeper than that. Linux finds the same socket through the directory's open descriptor:
 * `/proc/self/fd/N/name` is short whatever N stands for.
 */
import { open } from "node:fs/promises"
import { createConnection, type Socket } from "node:net"
import { basename, dirname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../domain/fault.ts"

const longestPathBytes = 107
const retryAfterMs = 5

export type ConnectOptions = {
  /** Keeps trying for so long while nobody listens there yet; 0 tries once. */
  withinMs: number
  /** Gives up at once, with the signal's reason: whoever should listen has died. */
  signal?: AbortSignal
}

/** Throws a `timeout` refusal when nobody listened in time; any other failure at once. */
export async function connectUnix(path: string, options: ConnectOptions): Promise<Socket> {
  const deadline = performance.now() + options.withinMs
  for (;;) {
    options.signal?.throwIfAborted()
    try {
      return await connectOnce(path)
    } catch (cause) {
      if (!isNobodyThere(cause)) throw cause
      if (performance.now() >= deadline) {
        const what = `the socket ${basename(path)}`
        throw new Refusal({ kind: "timeout", what, afterMs: options.withinMs })
      }
    }
    await sleep(retryAfterMs)
  }
}

async function connectOnce(path: string): Promise<Socket> {
  if (Buffer.byteLength(path) <= longestPathBytes) return connected(path)
  const directory = await open(dirname(path), "r")
  try {
    return await connected(`/proc/self/fd/${directory.fd}/${basename(path)}`)
  } finally {
    await directory.close()
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path })
    // It stays: the other side may hang up before the caller has a listener of its own.
    socket.on("error", reject)
    socket.once("connect", () => resolve(socket))
  })
}

/** Not there yet, nobody listening any more, or its queue of callers is full. */
function isNobodyThere(cause: unknown): boolean {
  if (!(cause instanceof Error && "code" in cause)) return false
  return ["ENOENT", "ECONNREFUSED", "EAGAIN"].includes(String(cause.code))
}
