/**
 * A ledger at whose n-th write, before it or just after it, somebody dies. Where it is the service,
 * the power stays off: what works above it has no chance to tidy up, every later call fails, as for
 * a process that is gone. Where it is only the processes that it works with, or where an operation
 * is given up, it goes on.
 */
import type { EngineMemory } from "../../src/domain/engine-memory.ts"
import type { Ledger } from "../../src/ledger/ledger.ts"

export class PowerCut extends Error {}
/** The service itself, the machines' processes and storage daemons, or all of them. */
export const victims = ["service", "processes", "both"] as const
/** `operation`: nobody dies, but somebody gives up what is being done. */
export type Victim = (typeof victims)[number] | "operation"
export type Cut = { atWrite: number; when: "before" | "after"; victim: Victim }

/** Whether the service itself lives through it. */
export const goesOn = ({ victim }: Cut): boolean => victim === "processes" || victim === "operation"

export function cutLedger(ledger: Ledger, cut: Cut, strike: () => Promise<void>) {
  let counting = false
  let writes = 0
  let happened = false
  let off = false
  /** The last write still looks things up. */
  let lastWrite = false
  const { promise: dark, resolve: goDark } = Promise.withResolvers<void>()

  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (off) throw new PowerCut("the power is off")
    if (counting) writes += 1
    if (!counting || writes !== cut.atWrite) return await work()
    happened = true
    if (goesOn(cut)) return await struck(work)
    off = true
    lastWrite = cut.when === "after"
    try {
      if (lastWrite) await work()
    } finally {
      lastWrite = false
      if (cut.victim === "both") await strike()
      goDark()
    }
    throw new PowerCut(`the power failed ${cut.when} write ${writes}`)
  }
  const struck = async <T>(work: () => Promise<T>): Promise<T> => {
    if (cut.when === "before") await strike()
    try {
      return await work()
    } finally {
      if (cut.when === "after") await strike()
    }
  }
  const guarded =
    <A extends unknown[], T>(verb: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      write(() => verb(...args))
  const alive = <R extends object>(room: R): R =>
    new Proxy(room, {
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof value === "object" && value !== null) return alive(value)
        if (typeof value !== "function") return value
        return async (...args: unknown[]) => {
          if (off && !lastWrite) throw new PowerCut("the power is off")
          return await value.apply(target, args)
        }
      },
    })

  const cutting: Ledger = {
    ...ledger,
    read: alive(ledger.read),
    transaction: (work) => write(() => ledger.transaction(work)),
    fenced: (id, fence, work) => write(() => ledger.fenced(id, fence, work)),
    // A claim that finds nothing writes nothing, and would only be counted by chance.
    async claim(...args) {
      if (off) throw new PowerCut("the power is off")
      return await ledger.claim(...args)
    },
    async claimThese(...args) {
      if (off) throw new PowerCut("the power is off")
      return await ledger.claimThese(...args)
    },
    renew: guarded((...args: Parameters<Ledger["renew"]>) => ledger.renew(...args)),
    engineMemory(engine, claim): EngineMemory {
      const memory = ledger.engineMemory(engine, claim)
      return {
        transaction: (work, durable) => write(() => memory.transaction(work, durable)),
        async get(kind, id) {
          if (off) throw new PowerCut("the power is off")
          return await memory.get(kind, id)
        },
      }
    },
    onEvents: (listener) => ledger.onEvents(listener),
    setting: (key) => ledger.setting(key),
    set: (key, value) => ledger.set(key, value),
    expireLeases: (node) => ledger.expireLeases(node),
    backup: (file) => ledger.backup(file),
    examine: () => ledger.examine(),
    close: () => ledger.close(),
  }
  const start = () => {
    counting = true
  }
  return {
    ledger: cutting,
    start,
    dark,
    wentDark: () => off,
    happened: () => happened,
    writes: () => writes,
  }
}
