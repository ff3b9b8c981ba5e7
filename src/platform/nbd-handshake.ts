/** How an NBD connection begins: options are haggled over until one export is entered. */
import type { Socket } from "node:net"

/** A socket's bytes in pieces of the size asked for; nothing is read that nobody takes. */
export class Incoming {
  readonly #socket: Socket
  #end: Error | null = null
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    const woken = (end: Error | null) => {
      this.#end ??= end
      this.#wake?.()
    }
    socket.on("readable", () => woken(null))
    socket.on("error", (cause) => woken(cause))
    socket.on("close", () => woken(new Error("the block device hung up")))
  }

  async take(length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0)
    for (;;) {
      const bytes: Buffer | null = this.#socket.read(length)
      if (bytes !== null && bytes.length === length) return bytes
      if (bytes !== null) this.#end ??= new Error("the block device hung up")
      if (this.#end !== null) throw this.#end
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const serverMagic = "NBDMAGIC"
const optionMagic = "IHAVEOPT"
const optionReplyMagic = 0x3e889045565a9n
const fixedNewstyle = 1
const noZeroes = 2
const option = { go: 7, structuredReply: 8, setMetaContext: 10 } as const
const reply = { ack: 1, info: 3, metaContext: 4 } as const
const isErrorReply = 2 ** 31
const exportInfo = 0
const largestReplyBytes = 64 * 1024

type Entered = { sizeBytes: number; context: number }

/** Enters an export; `context` is the number by which the other side calls `base:allocation`. */
export async function shake(socket: Socket, incoming: Incoming, name: string): Promise<Entered> {
  const hello = await incoming.take(18)
  if (hello.toString("latin1", 0, 16) !== serverMagic + optionMagic) {
    throw new Error("whoever listens there is no NBD server")
  }
  if ((hello.readUInt16BE(16) & fixedNewstyle) === 0) throw new Error("the NBD server is too old")
  socket.write(numbers(4, fixedNewstyle | noZeroes))

  const ask = async (number: number, data: Buffer) => {
    socket.write(Buffer.concat([Buffer.from(optionMagic), numbers(4, number, data.length), data]))
    const answers: OptionReply[] = []
    for (;;) {
      const answer = await optionReply(incoming)
      if (answer.type >= isErrorReply) {
        throw new Error(`the NBD server refuses option ${number}: ${answer.data.toString()}`)
      }
      if (answer.type === reply.ack) return answers
      answers.push(answer)
    }
  }

  await ask(option.structuredReply, Buffer.alloc(0))
  const query = Buffer.concat([text(name), numbers(4, 1), text("base:allocation")])
  const contexts = await ask(option.setMetaContext, query)
  const context = contexts.find((answer) => answer.type === reply.metaContext)
  if (context === undefined) throw new Error("the NBD server does not tell what is allocated")

  const infos = await ask(option.go, Buffer.concat([text(name), numbers(2, 0)]))
  const about = infos.find(({ data }) => data.readUInt16BE() === exportInfo)
  if (about === undefined) throw new Error("the NBD server does not tell the size")
  return {
    sizeBytes: Number(about.data.readBigUInt64BE(2)),
    context: context.data.readUInt32BE(),
  }
}

type OptionReply = { type: number; data: Buffer }

async function optionReply(incoming: Incoming): Promise<OptionReply> {
  const head = await incoming.take(20)
  const length = head.readUInt32BE(16)
  if (head.readBigUInt64BE() !== optionReplyMagic || length > largestReplyBytes) {
    throw new Error("the NBD server's answer to an option is malformed")
  }
  return { type: head.readUInt32BE(12), data: await incoming.take(length) }
}

function numbers(width: 2 | 4, ...values: number[]): Buffer {
  const bytes = Buffer.alloc(width * values.length)
  for (const [index, value] of values.entries()) bytes.writeUIntBE(value, index * width, width)
  return bytes
}

const text = (value: string): Buffer =>
  Buffer.concat([numbers(4, Buffer.byteLength(value)), Buffer.from(value)])
