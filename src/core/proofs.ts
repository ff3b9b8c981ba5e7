/**
 * Checking what people choose is slow on purpose. Clients that prove themselves with each request
 * would pay that each time, so what was right is known for a while; and only so many are checked
 * at once, so that nobody stops the house by knocking.
 */
import { createHmac, randomBytes } from "node:crypto"
import { Refusal } from "../domain/fault.ts"
import { checkPassword, hashPassword, longestSecret } from "./secrets.ts"

export type Proofs = {
  /** Refuses with `unavailable` when too many wait, like `isRight`. */
  hash(secret: string): Promise<string>
  /**
   * `claim`: who it is said to be the secret of, known or not. `hash` null: of nobody; that takes
   * the same time and is wrong.
   */
  isRight(claim: string, secret: string, hash: string | null): Promise<boolean>
  /**
   * The same where it may be one of several. What is known of any of them counts before any is
   * checked; then they are checked in turn, until one is right.
   */
  isAnyRight(
    secret: string,
    claims: readonly { claim: string; hash: string | null }[],
  ): Promise<boolean>
}

type Slow = { hashPassword: typeof hashPassword; checkPassword: typeof checkPassword }

/** Node has four threads for this and for files; half of them stay free. */
const atOnce = 2
/** About two seconds' worth. */
const mostWaiting = 128
const knownMs = 5 * 60_000
const mostKnown = 1000

export function openProofs(
  clock: () => number,
  slow: Slow = { hashPassword, checkPassword },
): Proofs {
  const turn = openDoor()
  const known = knownForAWhile(clock)
  const underWay = new Map<string, Promise<boolean>>()
  // Nothing that could be taken from memory tells a secret, nor serves another process.
  const pepper = randomBytes(32)
  const placeOf = (parts: readonly (string | null)[]) =>
    createHmac("sha256", pepper).update(JSON.stringify(parts)).digest("base64url")

  async function check(place: string, secret: string, hash: string | null): Promise<boolean> {
    try {
      const right = await turn(() => slow.checkPassword(secret, hash))
      if (right) known.add(place)
      return right
    } finally {
      underWay.delete(place)
    }
  }

  /** What is too long to be right is checked all the same, as nobody's. */
  function askedOf(claim: string, given: string, kept: string | null) {
    const fits = given.length <= longestSecret
    const [secret, hash] = fits ? [given, kept] : ["", null]
    // The hash is part of it: a changed password makes strangers of those who know the old one.
    return { secret, hash, place: placeOf([claim, secret, hash]) }
  }

  async function isRight(claim: string, given: string, kept: string | null): Promise<boolean> {
    const { secret, hash, place } = askedOf(claim, given, kept)
    if (known.has(place)) return true
    // The same asked again meanwhile waits for the answer instead of costing another.
    const asked = underWay.get(place) ?? check(place, secret, hash)
    underWay.set(place, asked)
    return await asked
  }

  return {
    hash: (secret) => turn(() => slow.hashPassword(secret)),
    isRight,
    async isAnyRight(secret, claims) {
      const isKnown = claims.some(({ claim, hash }) =>
        known.has(askedOf(claim, secret, hash).place),
      )
      if (isKnown) return true
      for (const { claim, hash } of claims) if (await isRight(claim, secret, hash)) return true
      return false
    },
  }
}

function knownForAWhile(clock: () => number) {
  /** Until when; the oldest first. */
  const until = new Map<string, number>()
  return {
    has: (place: string) => (until.get(place) ?? 0) > clock(),
    add(place: string) {
      until.delete(place)
      const [oldest] = until.keys()
      if (until.size >= mostKnown && oldest !== undefined) until.delete(oldest)
      until.set(place, clock() + knownMs)
    },
  }
}

function openDoor() {
  let within = 0
  const waiting: (() => void)[] = []
  const comeIn = async () => {
    if (within < atOnce) {
      within++
      return
    }
    if (waiting.length >= mostWaiting) {
      const remedy = "too many are being checked: try again in a moment"
      throw new Refusal({ kind: "unavailable", what: "the check of credentials", remedy })
    }
    // Who leaves hands the place over, so that nobody slips in between.
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) within--
    else next()
  }
  return async <T>(work: () => Promise<T>): Promise<T> => {
    await comeIn()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
