/**
 * How an operation is written down: a typed list of things to do, each with how to take it back.
 * The list is the documentation, the test plan and the progress bar.
 */
import type { LogEntry } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"

/**
 * One step. `do` touches the world outside the ledger and may run twice; `record` writes to the
 * ledger in the very transaction that logs the step as done, so it happens exactly once. `undo`
 * and `unrecord` mirror them; they run for every step that *started*, also one that never ended,
 * so `undo` must look first, and `unrecord` must accept that `record` never ran.
 */
export type Step<Tools, Known, Output> = {
  readonly name: string
  /** Its share of the progress bar, relative to the other steps; 1 unless told. */
  readonly weight?: number
  /**
   * Cannot be taken back (the user was told that it is gone): a failure is tried again, and ends
   * `stuck` rather than `undone`. Steps before the first such step can still be undone.
   */
  readonly forwardOnly?: boolean
  /** Once it is done, its operation holds these no longer. */
  frees?(known: Known): readonly string[]
  do?(tools: Tools, known: Known): Promise<Output>
  record?(rooms: Rooms, known: Known & { output: Output }): Promise<void>
  undo?(tools: Tools, known: Known): Promise<unknown>
  /** `undone` is what `undo` resolved with. */
  unrecord?(rooms: Rooms, known: Known & { reason: string; undone: unknown }): Promise<void>
}
export type AnyStep = Step<never, never, unknown>

export interface Saga<Tools, Params, Known> {
  readonly name: string
  readonly version: number
  readonly steps: readonly AnyStep[]
  /** `Known` grows by each step's output, under the step's name. */
  step<Name extends string, Output = undefined>(
    name: Name,
    actions: Omit<Step<Tools, Known, Output>, "name">,
  ): Saga<Tools, Params, Known & Record<Name, Output>>
}

export type AnySaga = Pick<Saga<never, unknown, unknown>, "name" | "version" | "steps">

/** Whether everything can still be taken back, from a log and the step that is being done. */
export function canGoBack(
  { steps }: AnySaga,
  log: readonly Pick<LogEntry, "step" | "event">[],
  doing: AnyStep | undefined = steps[0],
): boolean {
  const begun = new Set(log.map((entry) => entry.step))
  return !steps.some((step) => step.forwardOnly && (step === doing || begun.has(step.name)))
}

export const saga = <Tools, Params>(name: string, version: number): Saga<Tools, Params, Params> =>
  grow(name, version, [])

function grow<Tools, Params, Known>(
  name: string,
  version: number,
  steps: readonly AnyStep[],
): Saga<Tools, Params, Known> {
  return {
    name,
    version,
    steps,
    step: (next, actions) => {
      if (steps.some((step) => step.name === next)) throw new Error(`${name}: two steps ${next}`)
      return grow(name, version, [...steps, { ...actions, name: next } as AnyStep])
    },
  }
}
