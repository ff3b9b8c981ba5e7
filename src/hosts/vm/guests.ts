/** The running machines of this data directory that we know of: one `Guest` for each. */
import type { MachineId } from "../../domain/ids.ts"
import type { HostProcess } from "../../domain/machine.ts"
import { isAlive } from "../../platform/process.ts"
import { findProcesses } from "./adopt.ts"
import { Guest, notRunning } from "./guest.ts"

type ExitListener = (machine: MachineId, why: string) => void

export class Guests {
  readonly #dataDir: string
  readonly #known = new Map<MachineId, Guest>()
  readonly #listeners: ExitListener[] = []
  #closed = false

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /** The one guest for this process, watched from now on. */
  track(of: { machine: MachineId; process: HostProcess }): Guest {
    // QEMU has one client per monitor: one that nobody lets go of any more keeps the next out.
    if (this.#closed)
      throw new Error(`machine ${of.machine} was asked for of a host that is closed`)
    const known = this.#known.get(of.machine)
    if (known !== undefined && isSame(known.process, of.process)) return known
    const guest = new Guest(this.#dataDir, of.machine, of.process)
    this.#known.set(of.machine, guest)
    guest.ended.then((why) => this.#ended(guest, why)).catch(() => {})
    return guest
  }

  /** Looks among the processes if it has to: it may run since before we did. */
  async find(machine: MachineId): Promise<Guest | undefined> {
    const known = this.#known.get(machine)
    if (known !== undefined && (await isAlive(known.process))) return known
    const found = (await findProcesses(this.#dataDir)).find((one) => one.machine === machine)
    return found === undefined ? undefined : this.track(found)
  }

  async get(machine: MachineId): Promise<Guest> {
    const guest = await this.find(machine)
    if (guest === undefined) throw notRunning(machine)
    return guest
  }

  onExit(listener: ExitListener): void {
    this.#listeners.push(listener)
  }

  /** Also those whose start nobody wrote down. */
  async everyone(): Promise<Guest[]> {
    return (await findProcesses(this.#dataDir)).map((one) => this.track(one))
  }

  all(): Guest[] {
    return [...this.#known.values()]
  }

  close(): void {
    this.#closed = true
    for (const guest of this.#known.values()) guest.forget()
    this.#known.clear()
  }

  #ended(guest: Guest, why: string): void {
    if (this.#known.get(guest.machine) !== guest) return
    this.#known.delete(guest.machine)
    if (guest.endExpected) return
    for (const listener of this.#listeners) listener(guest.machine, why)
  }
}

const isSame = (a: HostProcess, b: HostProcess) => a.pid === b.pid && a.startTicks === b.startTicks
