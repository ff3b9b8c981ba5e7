import { Refusal } from "../domain/fault.ts"

/** What `work` comes to, or a `timeout` refusal; the work itself goes on unheard. */
export function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const afterMs = Math.round(timeoutMs)
    const timer = setTimeout(
      () => reject(new Refusal({ kind: "timeout", what, afterMs })),
      timeoutMs,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

export const isTimeout = (cause: unknown): boolean =>
  cause instanceof Refusal && cause.fault.kind === "timeout"
