/** States that the administrator claims of things, and what is refused because of them. */
import type { Principal } from "../domain/account.ts"
import { type Claim, standingClaim } from "../domain/claim.ts"
import { type FaultOf, Refusal } from "../domain/fault.ts"
import type { ClaimingChange } from "./core.ts"
import { mayRun, must } from "./visible.ts"

type Thing = { id: string; state: string; claim: Claim | null }

/** The field of a row that a change is of; empty where it claims nothing. */
export function claimed(
  who: Principal,
  { state }: Thing,
  { claim: wish }: ClaimingChange,
): { claim?: Claim | null } {
  if (wish === undefined) return {}
  must(mayRun(who))
  // To claim the truth is to claim no more.
  if (wish.is === state && wish.progress === undefined) return { claim: null }
  return { claim: { over: state, is: wish.is, progress: wish.progress ?? null } }
}

/** Refuses where something else is claimed of it; its own state is for others to look at. */
export function mustBeClaimed(
  what: FaultOf<"wrong-state">["what"],
  thing: Thing,
  needs: readonly string[],
): void {
  const is = standingClaim(thing)?.is
  if (is === undefined || needs.includes(is)) return
  throw new Refusal({ kind: "wrong-state", what, id: thing.id, is, needs })
}
