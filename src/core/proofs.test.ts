/** What is known for a while, until when, and how many are checked at once. On a hash that waits. */
import { beforeEach, describe, expect, test, vi } from "vitest"
import { Refusal } from "../domain/fault.ts"
import { openProofs, type Proofs } from "./proofs.ts"

let nowMs: number
let checked: string[]
let under: number
let most: number
let open: (() => void)[]
let held: boolean
let proofs: Proofs

beforeEach(() => {
  ;[nowMs, checked, under, most, open, held] = [1000, [], 0, 0, [], false]
  const checkPassword = async (secret: string, hash: string | null) => {
    checked.push(secret)
    most = Math.max(most, ++under)
    if (held) await new Promise<void>((resolve) => open.push(resolve))
    under--
    if (secret === "breaks") throw new Error("broken")
    return hash === `hash of ${secret}`
  }
  proofs = openProofs(() => nowMs, { checkPassword, hashPassword: async (s) => `hash of ${s}` })
})

const isRight = (secret: string, hash: string | null = `hash of ${secret}`, claim = "alice") =>
  proofs.isRight(claim, secret, hash)

/** Lets everything that stands at the slow hash go on, until nobody stands there any more. */
async function letGo(all: Promise<unknown>): Promise<void> {
  held = false
  for (const go of open.splice(0)) go()
  await all
}

describe("what was right", () => {
  test("is known for five minutes, and is checked again afterwards", async () => {
    expect(await isRight("a")).toBe(true)
    nowMs += 299_999
    expect(await isRight("a")).toBe(true)
    expect(checked).toEqual(["a"])
    nowMs += 1
    expect(await isRight("a")).toBe(true)
    expect(checked).toEqual(["a", "a"])
  })

  test("is right for this hash only, and for who said so", async () => {
    expect(await isRight("a")).toBe(true)
    expect(await isRight("a", "hash of b")).toBe(false)
    expect(await isRight("a", null)).toBe(false)
    expect(await isRight("b", "hash of a")).toBe(false)
    expect(await isRight("a", "hash of a", "bob")).toBe(true)
    expect(checked).toHaveLength(5)
  })

  test("leaves when a thousand others are", async () => {
    for (let i = 0; i <= 1000; i++) await isRight(`s${i}`)
    checked = []
    expect(await isRight("s1")).toBe(true)
    expect(checked).toEqual([])
    expect(await isRight("s0")).toBe(true)
    expect(checked).toEqual(["s0"])
  })
})

describe("one of several", () => {
  const both = (secret: string) =>
    proofs.isAnyRight(secret, [
      { claim: "password", hash: "hash of p" },
      { claim: "key", hash: "hash of k" },
    ])

  test("is checked in their order, and no further than the one that is right", async () => {
    expect(await both("p")).toBe(true)
    expect(checked).toHaveLength(1)
    expect(await both("k")).toBe(true)
    expect(checked).toHaveLength(3)
  })

  test("is known afterwards, whichever it was", async () => {
    expect(await both("k")).toBe(true)
    checked = []
    expect(await both("k")).toBe(true)
    expect(checked).toEqual([])
    expect(await proofs.isRight("key", "k", "hash of k")).toBe(true)
    expect(checked).toEqual([])
  })

  test("costs as much where there is nobody as where it is wrong", async () => {
    expect(await both("x")).toBe(false)
    const nobody = ["password", "key"].map((claim) => ({ claim, hash: null }))
    expect(await proofs.isAnyRight("x", nobody)).toBe(false)
    expect(checked).toHaveLength(4)
  })
})

test("what was wrong is checked each time", async () => {
  expect(await isRight("a", "hash of b")).toBe(false)
  expect(await isRight("a", "hash of b")).toBe(false)
  expect(checked).toHaveLength(2)
})

test("what is longer than any secret costs the same and is wrong", async () => {
  const long = "x".repeat(1025)
  expect(await isRight(long)).toBe(false)
  expect(await isRight("", "hash of ")).toBe(true)
  expect(await isRight(long, "hash of ")).toBe(false)
  expect(checked).toHaveLength(3)
})

describe("at once", () => {
  test("the same is checked once, and two different ones, no more", async () => {
    held = true
    const same = Promise.all([isRight("a"), isRight("a"), isRight("a")])
    const others = Promise.all(["b", "c", "d"].map((secret) => isRight(secret)))
    await vi.waitFor(() => expect(checked).toEqual(["a", "b"]))
    await letGo(Promise.all([same, others]))
    expect(await same).toEqual([true, true, true])
    expect(checked).toEqual(["a", "b", "c", "d"])
    expect(most).toBe(2)
  })

  test("more than can wait are told so, and afterwards all goes on", async () => {
    held = true
    const asked = Array.from({ length: 140 }, (_, i) => isRight(`s${i}`))
    const outcomes = Promise.allSettled([...asked, proofs.hash("new")])
    await vi.waitFor(() => expect(checked).toHaveLength(2))
    await letGo(outcomes)
    const refused = (await outcomes).filter((each) => each.status === "rejected")
    expect(refused).toHaveLength(11)
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(Refusal)
      expect((reason as Refusal).fault.kind).toBe("unavailable")
    }
    expect(await isRight("later")).toBe(true)
    expect(most).toBe(2)
  })

  test("one that breaks makes room for the next", async () => {
    for (let i = 0; i < 5; i++) await expect(isRight("breaks")).rejects.toThrow("broken")
    expect(await isRight("a")).toBe(true)
  })
})
