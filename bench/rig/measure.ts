/** Taking times. */

type Work = () => unknown

/**
 * Does each work once a round, and every second round in the opposite order. Resolves with the
 * milliseconds each took, in order. The first rounds, which load code and fill caches, count for
 * nothing.
 */
export async function takeTurns<K extends string>(
  rounds: number,
  works: Readonly<Record<K, Work>>,
  warmUp = Math.ceil(rounds / 10),
): Promise<Record<K, number[]>> {
  const names = Object.keys(works) as K[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    K,
    number[]
  >
  for (let round = -warmUp; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const took = await timed(works[name])
      if (round >= 0) times[name].push(took)
    }
  }
  return times
}

export async function timed(work: Work): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** How many a second, when `lanes` of them go on at once; `work` is told how many came before. */
export async function rateOf(
  count: number,
  lanes: number,
  work: (nth: number) => Promise<unknown>,
): Promise<number> {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  const tookMs = await timed(() => Promise.all(Array.from({ length: lanes }, lane)))
  return count / (tookMs / 1000)
}

/** The sample below which lies this share of all, by nearest rank; NaN of none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((one, other) => one - other)
  const rank = Math.max(1, Math.ceil(share * sorted.length))
  return sorted[rank - 1] ?? Number.NaN
}
