/** What carrying operations out needs of the rest of the house. */
import type { Operation, OperationState } from "../domain/operation.ts"
import type { Claim, Ledger } from "../ledger/ledger.ts"
import type { AnySaga } from "./saga.ts"
import type { Tools } from "./tools.ts"

export type ExecutorOptions = {
  ledger: Ledger
  node: string
  sagas: ReadonlyMap<string, AnySaga>
  /** Everything of the tools that does not depend on the claim alone. */
  toolsFor(claim: Claim): Omit<Tools, "report" | "tell" | "signal" | "operationId" | "clock">
  clock(): number
  /** How many operations may be under way at once. */
  concurrency: number
  leaseMs: number
  /** Waits between tries of an undo or of a forward-only step; then the operation is `stuck`. */
  retryMs: readonly number[]
  log(level: "info" | "warn" | "error", message: string, details: Record<string, unknown>): void
  /** This is given up, so that others who wait for it may go on. */
  freed?(resources: readonly string[]): void
  ended?(operation: Operation, state: OperationState): void
}
