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
  hosts: readonly Host[]
  transfers: Transfers
  /** A directory that this operation may make for large temporary files, and must remove. */
  scratchDir: string
  /** How far this step is, 0 to 1, and what it is doing, in words for a person. */
  report(fraction: number, message?: string): void
  /** Aborted when the claim is lost, the service stops, or somebody gives the operation up. */
  signal: AbortSignal
  /** Words for a person that stand with the operation when it is done. */
  tell(words: string): void
  clock(): number
  limits: OperationLimits
}

export type OperationLimits = {
  /** How long a guest may take until its agent answers. */
  bootMs: number
  /** How long a guest may take to power off by itself. */
  powerOffMs: number
  /** How long a guest may be held still for a snapshot before it is let go, come what may. */
  holdMs: number
  /** How long a revert's recovery snapshot is kept; 0: not made. */
  recoveryMs: number
  /** How long a failed thing stays on record. */
  failedMs: number
}
