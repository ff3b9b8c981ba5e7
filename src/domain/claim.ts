/**
 * A state that the administrator put over a thing's own, as some clouds let who runs them do. It
 * is told in its stead, and new things made of it are refused by it, until the thing's own state
 * changes; nothing else in here is held up by it.
 */
export type Claim = {
  over: string
  /** A state, or a word that only the face knows in which it was claimed. */
  is: string
  /** What is told of progress while it stands; null: the truth. */
  progress: string | null
}

type Claimed = { state: string; claim: Claim | null }

export const standingClaim = ({ state, claim }: Claimed): Claim | null =>
  claim?.over === state ? claim : null

/** A change of a thing's state, with which whatever was put over the one before is over. */
export const withoutClaim = <P extends { state?: string; claim?: Claim | null }>(patch: P): P =>
  "state" in patch && !("claim" in patch) ? { ...patch, claim: null } : patch

/** The state that counts. */
export const standingState = (thing: Claimed): string => standingClaim(thing)?.is ?? thing.state
