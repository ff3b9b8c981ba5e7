/**
 * A small client of the Network Block Device protocol over a unix socket: the fixed newstyle
 * handshake, structured replies and the `base:allocation` context, which is what QEMU's storage
 * daemon speaks. (github.com/NetworkBlockDevice/nbd, doc/proto.md)
 *
 * Requests may be in flight together; each has a cookie that its answer carries. When anything
 * goes wrong with the connection, everything that waits fails.
 */
import { connect, type Socket } from "node:net"
import { Incoming, shake } from "./nbd-handshake.ts"

/** A run of bytes that reads as zeros, or that holds data. */
export type Extent = { offset: number; length: number; zero: boolean }

export interface Nbd {
  readonly sizeBytes: number
  /** At most 32 MiB at once. */
  read(offset: number, length: number): Promise<Buffer>
  /** At most 32 MiB at once; the bytes must not change until it resolves. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Its bytes are not needed any more: the other side may give their space back, or not. */
  trim(offset: number, length: number): Promise<void>
  /** What was written before it is durable when it resolves. */
  flush(): Promise<void>
  /** What lies from `offset` on, up to `length` bytes (below 4 GiB), or less: ask on. */
  extents(offset: number, length: number): Promise<Extent[]>
  close(): Promise<void>
}

/** The other side refused a request; `code` is the error's name as errno(3) has it. */
export class NbdError extends Error {
  readonly code: string
  constructor(number: number) {
    const code = errorNames[number] ?? `E${number}`
    super(`the block device answered ${code}`)
    this.name = "NbdError"
    this.code = code
  }
}
const errorNames: Record<number, string> = {
  1: "EPERM",
  5: "EIO",
  12: "ENOMEM",
  22: "EINVAL",
  28: "ENOSPC",
  75: "EOVERFLOW",
  95: "ENOTSUP",
  108: "ESHUTDOWN",
}

export type NbdOptions = { export: string; withinMs: number }

/** `withinMs` is the longest silence while an answer is awaited, the handshake's included. */
export async function openNbd(path: string, options: NbdOptions): Promise<Nbd> {
  const socket = connect({ path })
  socket.setTimeout(options.withinMs, () => socket.destroy(new Error("the block device is silent")))
  const incoming = new Incoming(socket)
  try {
    const { sizeBytes, context } = await shake(socket, incoming, options.export)
    return new Connection(socket, incoming, sizeBytes, context)
  } catch (cause) {
    socket.destroy()
    throw cause
  }
}

const command = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, blockStatus: 7 } as const
const requestMagic = 0x25609513
const simpleReplyMagic = 0x67446698
const structuredReplyMagic = 0x668e33ef
const chunk = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5 } as const
const isErrorChunk = 0x8000
const lastChunk = 1
const farewellMs = 5_000
const zeroFlag = 2

type Waiting = {
  offset: number
  length: number
  data: Buffer | null
  extents: Extent[]
  error: Error | null
  settle(error: Error | null): void
}

class Connection implements Nbd {
  readonly sizeBytes: number
  readonly #socket: Socket
  readonly #incoming: Incoming
  readonly #context: number
  readonly #waiting = new Map<bigint, Waiting>()
  #cookie = 0n
  #broken: Error | null = null

  constructor(socket: Socket, incoming: Incoming, sizeBytes: number, context: number) {
    this.#socket = socket
    this.#incoming = incoming
    this.sizeBytes = sizeBytes
    this.#context = context
    // Silence is only wrong while somebody waits.
    const withinMs = socket.timeout ?? 0
    socket.setTimeout(0)
    socket.removeAllListeners("timeout")
    socket.on("timeout", () => {
      if (this.#waiting.size > 0) socket.destroy(new Error("the block device is silent"))
    })
    socket.setTimeout(withinMs)
    this.#answers().catch((cause: Error) => this.#break(cause))
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { data } = await this.#ask(command.read, offset, length)
    return data ?? Buffer.alloc(length)
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#ask(command.write, offset, bytes.length, bytes)
  }

  async trim(offset: number, length: number): Promise<void> {
    await this.#ask(command.trim, offset, length)
  }

  async flush(): Promise<void> {
    await this.#ask(command.flush, 0, 0)
  }

  async extents(offset: number, length: number): Promise<Extent[]> {
    return (await this.#ask(command.blockStatus, offset, length)).extents
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()))
    this.#socket.end(request(command.disconnect, 0n, 0, 0))
    const impatience = setTimeout(() => this.#socket.destroy(), farewellMs)
    await closed
    clearTimeout(impatience)
  }

  #ask(type: number, offset: number, length: number, bytes?: Uint8Array): Promise<Waiting> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== null) {
        reject(this.#broken)
        return
      }
      const cookie = this.#cookie++
      const waiting: Waiting = {
        offset,
        length: type === command.read ? length : 0,
        data: null,
        extents: [],
        error: null,
        settle: (error) => {
          this.#waiting.delete(cookie)
          if (error === null) resolve(waiting)
          else reject(error)
        },
      }
      this.#waiting.set(cookie, waiting)
      this.#socket.cork()
      this.#socket.write(request(type, cookie, offset, length))
      if (bytes !== undefined) this.#socket.write(bytes)
      this.#socket.uncork()
    })
  }

  #break(cause: Error): void {
    this.#broken = cause
    this.#socket.destroy()
    for (const waiting of [...this.#waiting.values()]) waiting.settle(cause)
  }

  async #answers(): Promise<never> {
    for (;;) {
      const magic = (await this.#incoming.take(4)).readUInt32BE()
      if (magic === structuredReplyMagic) await this.#chunk()
      else if (magic === simpleReplyMagic) await this.#simpleReply()
      else throw new Error("the block device answers in a language that is not NBD")
    }
  }

  async #simpleReply(): Promise<void> {
    const head = await this.#incoming.take(12)
    const error = head.readUInt32BE()
    this.#asked(head.readBigUInt64BE(4)).settle(error === 0 ? null : new NbdError(error))
  }

  async #chunk(): Promise<void> {
    const head = await this.#incoming.take(16)
    const type = head.readUInt16BE(2)
    const waiting = this.#asked(head.readBigUInt64BE(4))
    const length = head.readUInt32BE(12)
    const payload = await this.#incoming.take(length)
    if (type === chunk.offsetData) {
      land(payload, waiting)
    } else if (type === chunk.blockStatus && payload.readUInt32BE() === this.#context) {
      waiting.extents = extentsIn(payload, waiting.offset)
    } else if (type & isErrorChunk) {
      waiting.error = new NbdError(payload.readUInt32BE())
    } else if (type !== chunk.none && type !== chunk.offsetHole) {
      throw new Error(`the block device sent an unknown chunk of type ${type}`)
    }
    if (head.readUInt16BE() & lastChunk) waiting.settle(waiting.error)
  }

  #asked(cookie: bigint): Waiting {
    const waiting = this.#waiting.get(cookie)
    if (waiting === undefined) throw new Error("the block device answers what nobody asked")
    return waiting
  }
}

function request(type: number, cookie: bigint, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(28)
  bytes.writeUInt32BE(requestMagic)
  bytes.writeUInt16BE(type, 6)
  bytes.writeBigUInt64BE(cookie, 8)
  bytes.writeBigUInt64BE(BigInt(offset), 16)
  bytes.writeUInt32BE(length, 24)
  return bytes
}

/** Most answers come in one piece, which is then not copied. */
function land(payload: Buffer, waiting: Waiting): void {
  if (payload.length - 8 === waiting.length) {
    waiting.data = payload.subarray(8)
    return
  }
  waiting.data ??= Buffer.alloc(waiting.length)
  payload.copy(waiting.data, Number(payload.readBigUInt64BE()) - waiting.offset, 8)
}

function extentsIn(payload: Buffer, from: number): Extent[] {
  const extents: Extent[] = []
  let offset = from
  for (let at = 4; at + 8 <= payload.length; at += 8) {
    const length = payload.readUInt32BE(at)
    extents.push({ offset, length, zero: (payload.readUInt32BE(at + 4) & zeroFlag) !== 0 })
    offset += length
  }
  return extents
}
