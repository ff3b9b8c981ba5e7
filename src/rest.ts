/**
 * A server that was busy keeps the memory that its work took: the engine gives pages back only
 * when it compacts, and it compacts when it needs room, not when there is time. So when it has
 * become quiet after much work, starting up included, it is told to: some hundred milliseconds that
 * nobody waits for, and a third of its heap. Only where the launcher lets us (`--expose-gc`).
 */
type Collect = (how: { type: "major"; execution: "async"; flavor: "last-resort" }) => unknown

/** A health check now and then is not much work. */
const muchWork = 200
const quietMs = 2_000
const lookEveryMs = 1_000

export function startResting(collect: Collect | undefined = globalThis.gc as Collect | undefined) {
  let work = muchWork
  let lastAt = performance.now()
  const look = () => {
    if (work < muchWork || performance.now() - lastAt < quietMs) return
    work = 0
    collect?.({ type: "major", execution: "async", flavor: "last-resort" })
  }
  const timer = setInterval(look, lookEveryMs).unref()
  return {
    /** Something was asked, and answered. */
    worked(): void {
      work += 1
      lastAt = performance.now()
    },
    stop: () => clearInterval(timer),
  }
}
