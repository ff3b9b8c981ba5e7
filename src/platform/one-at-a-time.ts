/** A queue in front of something that bears one visitor at a time. */
export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>

/** Each gets its turn in the order of asking; one that fails does not hold up the next. */
export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work, work)
    last = turn.catch(() => {})
    return turn
  }
}
