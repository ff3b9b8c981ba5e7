/**
 * A world that outlives its service: ledger, storage, machines. `boot` starts a service on it,
 * perhaps one whose power will fail; what has been said to be done must be there in the next.
 */
import { Readable } from "node:stream"
import type { CapacityParts } from "../../src/core/capacity.ts"
import type { Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import type { Result } from "../../src/domain/fault.ts"
import { explain } from "../../src/domain/fault.ts"
import type { ImageId, MachineId } from "../../src/domain/ids.ts"
import { hasEnded } from "../../src/domain/operation.ts"
import type { EngineHouse } from "../../src/engines/engine.ts"
import type { Host } from "../../src/hosts/host.ts"
import { openLog } from "../../src/http/log.ts"
import type { Ledger } from "../../src/ledger/ledger.ts"
import { openService } from "../../src/service.ts"
import { type Cut, cutLedger } from "./power-cut.ts"

/** What a world is made of; the fakes and the real ones are two makings of the same thing. */
export type Making = {
  name: string
  dataDir: string
  ledger: Ledger
  engineName: string
  /** Fresh instances over the same bytes and processes, as after a restart. */
  openEngines(): Promise<Record<string, EngineHouse>>
  openHost(): Promise<Host>
  /** An image that the host boots. */
  makeImage(service: Service, who: Principal): Promise<ImageId>
  /** Writes a short text into one disk of a running machine, durably, and reads it. */
  poke(host: Host, machine: MachineId, slot: number, text: string): Promise<void>
  peek(host: Host, machine: MachineId, slot: number): Promise<string>
  /** What the guest has in its memory, and nowhere else. */
  remember(host: Host, machine: MachineId, text: string): Promise<void>
  recall(host: Host, machine: MachineId): Promise<string>
  /** What machines have open that is gone, and whose space is not. */
  strays?(): Promise<string[]>
  /** All that runs beside the service, machines and storage daemons, is gone when it resolves. */
  killProcesses(): Promise<void>
  /** What there is room for, where it is not plenty. */
  capacity?: Partial<CapacityParts>
  /** How long what failed or ended stays on record; a day unless told. */
  failedMs?: number
  dispose(): Promise<void>
}

const plenty: CapacityParts = {
  fileSystem: () => ({ totalBytes: 2 ** 50, freeBytes: 2 ** 50 }),
  lowWater: null,
  quota: { account: {}, source: {} },
}

export type Service = Awaited<ReturnType<typeof openService>>
export type World = Awaited<ReturnType<typeof newWorld>>

export async function newWorld(making: Making) {
  let service: Service | undefined
  let host: Host | undefined
  let engines: Record<string, EngineHouse> = {}

  /** What was asked for last is given up, unless it has ended or cannot be taken back any more. */
  const giveUp = async () => {
    const [last] = await making.ledger.read.operations.find({}, { limit: 1, order: "newest-first" })
    if (last !== undefined) await service?.core.operations.cancel({ who: await admin() }, last.id)
  }
  const boot = async (cut?: Cut) => {
    const strike = cut?.victim === "operation" ? giveUp : () => making.killProcesses()
    const power = cut === undefined ? undefined : cutLedger(making.ledger, cut, strike)
    host = await making.openHost()
    engines = await making.openEngines()
    service = await openService({
      dataDir: making.dataDir,
      ledger: power?.ledger ?? making.ledger,
      engines,
      engineName: making.engineName,
      hosts: [host],
      adminToken: "the-administrators-token",
      limits: {
        holdMs: 60_000,
        bootMs: 150_000,
        powerOffMs: 30_000,
        recoveryMs: 86_400_000,
        failedMs: making.failedMs ?? 86_400_000,
      },
      capacity: { ...plenty, ...making.capacity },
      upkeep: "asked",
      log: openLog("silent"),
      version: "0.0.0",
      retryMs: [1],
    })
    return { service, host, power }
  }
  /**
   * The process is gone: nobody tidies up. Only sockets and files are let go, as by the kernel.
   * `stillMs`: what is under way here would have died with it, so that long it is given to end.
   */
  const crash = async (stillMs = 10_000) => {
    await service?.executor.close(stillMs)
    await host?.close()
    for (const [name, house] of Object.entries(engines)) {
      await house.with(making.ledger.engineMemory(name)).close()
    }
    service = undefined
  }
  const admin = async (): Promise<Principal> => {
    const found = await making.ledger.read.users.find({ name: "admin" })
    const [user] = found
    if (user === undefined) throw new Error("no administrator")
    return { userId: user.id, role: "admin", accountId: user.accountId, everywhere: true }
  }
  return { making, boot, crash, admin }
}

/** The value, or the fault's own words as an error. */
export function right<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(explain(result.fault))
  return result.value
}

/** Waits until an accepted operation has ended, and says how. */
export async function ending<T>(service: Service, ledger: Ledger, result: Result<Started<T>>) {
  const { operation, resource } = right(result)
  for (;;) {
    const now = await ledger.read.operations.get(operation.id)
    if (now !== undefined && hasEnded(now.state)) return { ...now, resource }
    service.executor.wake()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Ends `done`, or the test fails with the operation's own reason. */
export async function settled<T>(
  service: Service,
  ledger: Ledger,
  result: Result<Started<T>>,
): Promise<T> {
  const { state, reason, resource, kind } = await ending(service, ledger, result)
  if (state !== "done") throw new Error(`${kind} ended ${state}: ${reason}`)
  return resource
}

export const bytesOf = (text: string, sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes)
  bytes.write(text)
  return bytes
}

export const upload = (bytes: Buffer) => ({
  format: "raw" as const,
  stream: Readable.from([bytes]),
  lengthBytes: bytes.length,
})
