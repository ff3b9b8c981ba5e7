/**
 * The guest agent (QEMU's `qemu-ga`), spoken to over virtio-serial. It answers in order and
 * without ids, may vanish with a reboot in mid-sentence, and speaks from inside a guest that is
 * not trusted. So there is one call at a time, and each begins by synchronising: a 0xFF to make
 * the agent forget half a line, and a number that only this call's answer repeats.
 */
import { randomInt } from "node:crypto"
import { Refusal } from "../../domain/fault.ts"
import { within } from "../../platform/deadline.ts"
import {
  ConnectionLost,
  isObject,
  type JsonLines,
  type JsonObject,
  jsonLines,
} from "../../platform/json-lines.ts"
import { oneAtATime } from "../../platform/one-at-a-time.ts"
import { connectUnix } from "../../platform/unix-socket.ts"

/** The agent's own no, such as a command that does not exist in the guest. */
export class AgentError extends Error {
  readonly desc: string
  constructor(command: string, desc: string) {
    super(`${command}: ${desc}`)
    this.name = "AgentError"
    this.desc = desc
  }
}

export type AgentCall = {
  timeoutMs?: number
  /** Commands that end the guest succeed without an answer: resolves once it is sent. */
  unanswered?: boolean
}

const defaultTimeoutMs = 5_000
const connectWithinMs = 2_000
// The agent keeps at most 16 MiB of a command's output for each stream and sends it as base64.
const maxLineBytes = 48 * 2 ** 20

type Conversation = { lines: JsonLines; next(message: JsonObject): void }

export class Agent {
  readonly #socketPath: string
  readonly #turn = oneAtATime()
  #conversation: Conversation | undefined
  #timesClosed = 0

  constructor(socketPath: string) {
    this.#socketPath = socketPath
  }

  /**
   * Resolves with the command's `return`, whose shape only the guest vouches for. Throws
   * `AgentError`, or a `timeout` refusal; the deadline covers the synchronising too.
   */
  call(command: string, args: object = {}, call: AgentCall = {}): Promise<unknown> {
    const timeoutMs = call.timeoutMs ?? defaultTimeoutMs
    return this.#turn(async () => {
      try {
        return await within(this.#speak(command, args, call), timeoutMs, "the guest agent")
      } catch (cause) {
        // Whatever still comes belongs to a call that nobody waits for.
        if (!(cause instanceof AgentError)) this.close()
        throw cause
      }
    })
  }

  close(): void {
    this.#timesClosed += 1
    this.#conversation?.lines.close()
    this.#conversation = undefined
  }

  async #speak(command: string, args: object, call: AgentCall): Promise<unknown> {
    const conversation = await this.#connect()
    const id = randomInt(1, 2 ** 47)
    const synchronised = answerTo(conversation, (message) => message["return"] === id)
    conversation.lines.send({ execute: "guest-sync-delimited", arguments: { id } }, "fresh")
    await synchronised
    const answered = call.unanswered ? undefined : answerTo(conversation, () => true)
    conversation.lines.send({ execute: command, arguments: args })
    const answer = (await answered) ?? {}
    const { error } = answer
    if (isObject(error)) throw new AgentError(command, String(error["desc"] ?? "no reason given"))
    return answer["return"]
  }

  async #connect(): Promise<Conversation> {
    if (this.#conversation !== undefined) return this.#conversation
    const closedBefore = this.#timesClosed
    const socket = await connectUnix(this.#socketPath, { withinMs: connectWithinMs })
    if (this.#timesClosed > closedBefore) {
      // Nobody would ever close it, and QEMU has one client per agent.
      socket.destroy()
      throw new ConnectionLost("the guest agent")
    }
    const conversation: Conversation = {
      next: () => {},
      lines: jsonLines(socket, {
        maxLineBytes,
        onMessage: (message) => conversation.next(message),
      }),
    }
    this.#conversation = conversation
    conversation.lines.closed
      .then(() => {
        if (this.#conversation === conversation) this.#conversation = undefined
      })
      .catch(() => {})
    return conversation
  }
}

/** The next message that fits; what does not is an answer to an earlier, abandoned call. */
function answerTo(
  conversation: Conversation,
  fits: (message: JsonObject) => boolean,
): Promise<JsonObject> {
  return new Promise((resolve, reject) => {
    conversation.next = (message) => {
      if (fits(message)) resolve(message)
    }
    conversation.lines.closed
      .then(() => reject(new ConnectionLost("the guest agent")))
      .catch(() => {})
  })
}

/** What a caller is told when no agent answered in time. */
export const noAgent = (afterMs: number) =>
  new Refusal({ kind: "timeout", what: "the guest agent", afterMs })
