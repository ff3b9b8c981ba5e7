/**
 * Every refusal a caller can understand. Faults are values, bugs are exceptions: a broken
 * invariant throws and becomes a 500 with an id and no details. Each face has one exhaustive
 * table over this union, so a new fault does not compile until every face can say it.
 */
export type ResourceKind =
  | "account"
  | "user"
  | "key"
  | "app-credential"
  | "token"
  | "image"
  | "volume"
  | "machine"
  | "snapshot"
  | "point"
  | "operation"

/** `name`: what its user calls it, where that says more than an id. */
export type Named = { kind: ResourceKind; id: string; name?: string }

export type Fault =
  /** The request itself is malformed; `field` is a path such as `name` or `disks.0.size`. */
  | { kind: "invalid"; why: string; field?: string }
  | { kind: "unauthenticated"; why: string }
  | { kind: "forbidden"; why: string }
  /** Also the answer for what belongs to another account: the two must not be told apart. */
  | { kind: "not-found"; what: ResourceKind; id: string }
  | { kind: "name-taken"; what: ResourceKind; name: string }
  /** The thing is in a state that a user chose and that does not allow this. */
  | {
      kind: "wrong-state"
      what: ResourceKind
      id: string
      is: string
      needs: readonly string[]
      /** What to do about it, where that is not plain. */
      hint?: string
    }
  /** Something else needs it; `by` names every one of them. */
  | { kind: "in-use"; what: ResourceKind; id: string; by: readonly Named[]; hint: string }
  | { kind: "size"; what: string; bytes: number; atLeast?: number; atMost?: number }
  /** `requested`: how much more was wished for, where it was not just one. */
  | { kind: "quota"; what: string; limit: number; used: number; requested?: number }
  /** `keptBytes` of the free ones are not to be had: a reserve, and what work under way may need. */
  | { kind: "no-space"; neededBytes: number; freeBytes: number; keptBytes?: number }
  /** A disk image we will not take: malformed, truncated, or naming files of this machine. */
  | { kind: "bad-image"; why: string }
  /** This kind of machine or storage cannot do it, here or at all. */
  | { kind: "unsupported"; what: string; why: string }
  /** A piece that this needs is not there at the moment; `remedy` says what to do. */
  | { kind: "unavailable"; what: string; remedy: string }
  /** The Idempotency-Key was used before with a different request. */
  | { kind: "key-reused"; key: string }
  | { kind: "timeout"; what: string; afterMs: number }
  /** The connection that carried the bytes ended before they did. */
  | { kind: "interrupted"; what: string }
  /** Work was begun, could not be finished, and was taken back: everything is as it was. */
  | { kind: "failed"; operationId: string; why: string }

export type FaultKind = Fault["kind"]
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>

export type Result<T> = { ok: true; value: T } | { ok: false; fault: Fault }
export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const no = (fault: Fault): { ok: false; fault: Fault } => ({ ok: false, fault })

/**
 * A fault on its way up through floors that throw (engines, hosts, operations). The executor
 * keeps it with the failed step, the core turns it back into a value.
 */
export class Refusal extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(explain(fault))
    this.name = "Refusal"
    this.fault = fault
  }
}

/** Turns a thrown refusal into a value; anything else is a bug and goes on up. */
export async function attempt<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work())
  } catch (cause) {
    if (cause instanceof Refusal) return no(cause.fault)
    throw cause
  }
}

export function unreachable(value: never): never {
  throw new Error(`not a member of its union: ${JSON.stringify(value)}`)
}

const listed = (things: readonly Named[]) => {
  const shown = things.slice(0, 20).map(({ kind, id, name }) => {
    const called = name === undefined ? "" : ` (${name.slice(0, 64)})`
    return `${kind} ${id}${called}`
  })
  const more = things.length - shown.length
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "")
}

/** One English sentence a person can act on; the faces that have words of their own use those. */
export function explain(fault: Fault): string {
  switch (fault.kind) {
    case "invalid":
      return fault.field === undefined ? fault.why : `${fault.field}: ${fault.why}`
    case "unauthenticated":
    case "forbidden":
      return fault.why
    case "not-found":
      return `no ${fault.what} ${fault.id}`
    case "name-taken":
      return `a ${fault.what} named ${JSON.stringify(fault.name)} exists already`
    case "wrong-state":
      return explainState(fault)
    case "in-use":
      return `${fault.what} ${fault.id} is in use by ${listed(fault.by)}; ${fault.hint}`
    case "size":
      return explainSize(fault)
    case "quota":
      return `the quota of ${fault.limit} ${fault.what} is used up (${fault.used} in use)`
    case "no-space":
      return explainSpace(fault)
    case "bad-image":
      return `this image cannot be used: ${fault.why}`
    case "unsupported":
      return `${fault.what} is not possible: ${fault.why}`
    case "unavailable":
      return `${fault.what} is not available; ${fault.remedy}`
    case "key-reused":
      return "this Idempotency-Key was used for a different request; choose a new one"
    case "timeout":
      return `${fault.what} did not answer within ${fault.afterMs} ms`
    case "interrupted":
      return `${fault.what} was interrupted before its end; nothing was changed, try again`
    case "failed":
      return `${fault.why} (operation ${fault.operationId}; everything was put back)`
    default:
      return unreachable(fault)
  }
}

function explainState({ what, id, is, needs, hint }: FaultOf<"wrong-state">): string {
  const advice = hint === undefined ? "" : `: ${hint}`
  return `${what} ${id} is ${is}; this needs it ${needs.join(" or ")}${advice}`
}

function explainSpace({ neededBytes, freeBytes, keptBytes }: FaultOf<"no-space">): string {
  const kept = keptBytes === undefined ? "" : `, of which ${keptBytes} are kept`
  return `not enough free space: ${neededBytes} bytes needed, ${freeBytes} free${kept}`
}

function explainSize(fault: FaultOf<"size">): string {
  const bounds = [
    ...(fault.atLeast === undefined ? [] : [`at least ${fault.atLeast}`]),
    ...(fault.atMost === undefined ? [] : [`at most ${fault.atMost}`]),
  ]
  return `${fault.what} is ${fault.bytes} bytes; it must be ${bounds.join(" and ")}`
}
