/** What a step may touch. Each operation gets its own, bound to its claim. */
import type { OperationId } from "../domain/ids.ts"
import type { MachineKind } from "../domain/machine.ts"
import type { Engine } from "../engines/engine.ts"
import type { Host } from "../hosts/host.ts"
import type { ReadRooms } from "../ledger/ledger.ts"
import type { Transfers } from "./transfers.ts"

export type Tools = {
  operationId: OperationId
  read: ReadRooms
  /** The engine's verbs over a memory that refuses writes once the claim is lost. */
  engine(name: string): Engine
  host(kind: MachineKind): Host
  transfers: Transfers
  /** A directory that this operation may make for large temporary files, and must remove. */
  scratchDir: string
  /** How far this step is, 0 to 1, and what it is doing, in words for a person. */
  report(fraction: number, message?: string): void
  /** Aborted when the claim is lost or the service stops. */
  signal: AbortSignal
  clock(): number
  limits: OperationLimits
}

export type OperationLimits = {
  /** How long a guest may take until its agent answers. */
  bootMs: number
  /** How long a guest may take to power off by itself. */
  powerOffMs: number
  /** How long a revert's recovery snapshot is kept; 0: not made. */
  recoveryMs: number
  /** How long a failed thing stays on record. */
  failedMs: number
}
