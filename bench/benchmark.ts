/**
 * The contract of a benchmark: it measures something we promise, beside a floor that the same
 * machine sets in the same minute. Times are noisy, ratios less so: the thing and its floor take
 * turns, so that whatever else runs here slows both.
 */
export type Unit = "ms" | "/s" | "MiB" | "layers"

/** `ratio`: how many times worse than the floor; `p50`: in the finding's own unit. */
export type Goal = { of: "ratio" | "p50"; atMost: number } | { of: "p50"; atLeast: number }

export type Finding = {
  what: string
  unit: Unit
  samples: readonly number[]
  floor?: Floor
  goal?: Goal
}
export type Floor = { what: string; samples: readonly number[] }

/** What a benchmark is given to work with. */
export interface Stand {
  /** An empty directory on a local disk; gone afterwards. */
  readonly folder: string
  /** Takes minutes where the default takes seconds. */
  readonly full: boolean
  say(words: string): void
  /** Done when the benchmark ends, however it ends; what was begun last is ended first. */
  after(end: () => unknown): void
}

export type Benchmark = {
  readonly about: string
  /** Yields what it found as it goes; throws when it cannot run. */
  run(stand: Stand): AsyncGenerator<Finding, void, void>
}
