/**
 * A machine's running QEMU: its monitor, kept open and opened again when it drops, its agent, and
 * its end. QEMU takes one client per monitor, so there is one `Guest` per process, and no more.
 */
import { open } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import type { HostProcess } from "../../domain/machine.ts"
import { within } from "../../platform/deadline.ts"
import { type OneAtATime, oneAtATime } from "../../platform/one-at-a-time.ts"
import { isAlive } from "../../platform/process.ts"
import { openQmp, type Qmp, type QmpEvent } from "../../platform/qmp.ts"
import { Agent } from "./agent.ts"
import { placesOf } from "./layout.ts"

const connectWithinMs = 15_000
const retryAfterMs = 200
const watchEveryMs = 20

export class Guest {
  readonly machine: MachineId
  readonly process: HostProcess
  readonly agent: Agent
  /** Disks are looked at and changed by one verb at a time. */
  readonly disksTurn: OneAtATime = oneAtATime()
  /** Resolves with why, once the process is gone; never once `forget` was called before. */
  readonly ended: Promise<string>
  /** We asked for its end: nobody needs to be told. */
  endExpected = false
  /**
   * We asked its agent to freeze it; from then until it is thawed the agent is left alone. A guest
   * that was running when we came may have been frozen by those before us.
   */
  frozen: boolean | "perhaps" = "perhaps"

  readonly #dataDir: string
  readonly #abandoned = new AbortController()
  #connection = Promise.withResolvers<Qmp>()
  #current: Qmp | undefined
  #lastWords: string | undefined

  constructor(dataDir: string, machine: MachineId, process: HostProcess) {
    this.#dataDir = dataDir
    this.machine = machine
    this.process = process
    this.agent = new Agent(join(dataDir, placesOf(machine).agent))
    this.#connection.promise.catch(() => {})
    this.ended = this.#watch()
  }

  /** Throws a `timeout` refusal when the process lives but its monitor does not answer. */
  monitor(withinMs = connectWithinMs): Promise<Qmp> {
    if (this.#current !== undefined) return Promise.resolve(this.#current)
    return within(this.#connection.promise, withinMs, `QEMU of machine ${this.machine}`)
  }

  async execute(command: string, args?: object, options?: { timeoutMs?: number }) {
    return (await this.monitor(options?.timeoutMs)).execute(command, args, options)
  }

  /** Lets go of the process without disturbing it. */
  forget(): void {
    this.#abandoned.abort()
    this.frozen = false
    this.agent.close()
    this.#current?.close()
    this.#connection.reject(notRunning(this.machine))
  }

  async #watch(): Promise<string> {
    while (await this.#lives()) {
      if (this.#abandoned.signal.aborted) return new Promise<never>(() => {})
      const qmp = await this.#connect().catch(() => undefined)
      if (qmp === undefined) {
        await sleep(retryAfterMs)
        continue
      }
      if (this.#abandoned.signal.aborted) qmp.close()
      qmp.on("SHUTDOWN", (event) => {
        this.#lastWords = shutdownReason(event)
      })
      qmp.on("RESET", () => {
        this.frozen = false
      })
      this.#current = qmp
      this.#connection.resolve(qmp)
      await qmp.closed
      this.#current = undefined
      this.#connection = Promise.withResolvers()
      this.#connection.promise.catch(() => {})
    }
    this.frozen = false
    this.agent.close()
    this.#connection.reject(notRunning(this.machine))
    return this.#lastWords ?? `QEMU died: ${await this.#lastLogLine()}`
  }

  /** Where it cannot be told for a moment, nothing is known to have ended. */
  #lives(): Promise<boolean> {
    return isAlive(this.process).catch(() => true)
  }

  /** Gives up as soon as the process is dead: nobody will ever listen on its socket. */
  async #connect(): Promise<Qmp> {
    const death = new AbortController()
    const look = async () => {
      if (!(await this.#lives())) death.abort(notRunning(this.machine))
    }
    const timer = setInterval(() => void look(), watchEveryMs)
    try {
      const signal = AbortSignal.any([death.signal, this.#abandoned.signal])
      const path = join(this.#dataDir, placesOf(this.machine).qmp)
      return await openQmp(path, { connectWithinMs, signal })
    } finally {
      clearInterval(timer)
    }
  }

  async #lastLogLine(): Promise<string> {
    const path = join(this.#dataDir, placesOf(this.machine).log)
    const lines = (await tailOf(path, 2_000)).toString("utf8").trim().split("\n")
    return lines.at(-1) || "it left no word in its log"
  }
}

export const notRunning = (machine: MachineId) =>
  new Refusal({
    kind: "wrong-state",
    what: "machine",
    id: machine,
    is: "stopped",
    needs: ["running"],
  })

/** QEMU's ShutdownCause (qapi/run-state.json) in words. */
function shutdownReason({ data }: QmpEvent): string {
  switch (data["reason"]) {
    case "guest-shutdown":
      return "the guest powered off"
    case "guest-panic":
      return "the guest's kernel panicked"
    case "host-signal":
      return "QEMU was ended by a signal"
    case "host-qmp-quit":
      return "QEMU was told to quit"
    default:
      return `QEMU shut down: ${String(data["reason"])}`
  }
}

/** The last bytes of a file; none when there is no such file. */
export async function tailOf(path: string, lastBytes: number, from = 0): Promise<Buffer> {
  const file = await open(path, "r").catch(() => undefined)
  if (file === undefined) return Buffer.alloc(0)
  try {
    const { size } = await file.stat()
    const start = Math.max(from, size - lastBytes)
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(Math.max(0, size - start)),
      position: start,
    })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
