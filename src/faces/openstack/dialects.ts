/** Which of the APIs on this listener a path belongs to; it decides in whose words is spoken. */
export type Dialect = "volume" | "identity-v2" | "identity-v3"

export function whoseWords(asSent: string): Dialect {
  const path = asRouted(asSent)
  if (/^\/(identity\/)?v2\.0(\/|$)/.test(path)) return "identity-v2"
  const ours = /^\/(identity(\/|$)|v3\/(auth|projects|users)(\/|$)|v3\/?$)/
  return ours.test(path) ? "identity-v3" : "volume"
}

/** Whoever writes letters as `%xx` reaches the same routes, and must meet the same rules. */
function asRouted(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
