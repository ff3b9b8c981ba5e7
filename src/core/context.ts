/** What the rooms of the core share. The type of a room's argument says what it may touch. */
import type { AccountId, OperationId } from "../domain/ids.ts"
import type { MachineKind } from "../domain/machine.ts"
import type { Engine } from "../engines/engine.ts"
import type { Host } from "../hosts/host.ts"
import type { Ledger } from "../ledger/ledger.ts"
import type { OperationLimits } from "../operations/tools.ts"
import type { Transfers } from "../operations/transfers.ts"
import type { Capacity } from "./capacity.ts"

export type Context = {
  ledger: Ledger
  node: string
  /** The engine new volumes are made with. */
  engineName: string
  engine(name: string): Engine
  host(kind: MachineKind): Host
  hosts: readonly Host[]
  transfers: Transfers
  /** Requests at work under an Idempotency-Key, for their repeats to wait behind. */
  turns: Map<string, Promise<unknown>>
  /** These were queued, or anything may have changed: work that may be done now begins. */
  wake(queued?: readonly OperationId[]): void
  /** An operation that somebody asked to give up, if it is under way here. */
  giveUp(id: OperationId): void
  clock(): number
  limits: OperationLimits
  capacity: Capacity
  /** The account that the administrator is of. */
  adminAccount(): Promise<AccountId>
  version: string
}
