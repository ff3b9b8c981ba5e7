/** Who may ask: every proof a user has, what it makes of the user, and that it is taken back. */
import { createHash } from "node:crypto"
import { beforeEach, describe, expect, test } from "vitest"
import type { Credentials } from "../../src/core/core.ts"
import type { Principal, Token } from "../../src/domain/account.ts"
import { newId } from "../../src/domain/ids.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"
import { expectStrangers } from "../fixtures/strangers.ts"

const house = houseForEachTest()
const identity = () => house.core().identity
const ledger = () => house.stage.making.ledger
const hourMs = 3_600_000
const hash = (text: string) => createHash("sha256").update(text).digest("base64url")

let alice: Credentials
let who: Principal
beforeEach(async () => {
  const wish = { login: "alice", password: "pass", apiKey: "key" }
  alice = right(await identity().createAccount({ who: house.stage.who }, wish))
  who = { userId: alice.userId, role: "member", accountId: alice.account.id, everywhere: false }
})

const told = (text: string | null) => text ?? ""
const issued = async (by: Principal, livesMs = hourMs) =>
  right(await identity().issueToken(by, { livesMs })).token
/** What is kept of a token becomes this. */
async function become(text: string, patch: Partial<Token>): Promise<void> {
  await ledger().transaction(async (rooms) => {
    const [token] = await rooms.tokens.find({ hash: hash(text) })
    await rooms.tokens.change(told(token?.id ?? null), patch)
  })
}
async function becomeUser(patch: { role?: Principal["role"]; passwordHash?: string }) {
  await ledger().transaction((rooms) => rooms.users.change(alice.userId, patch))
}

describe("a name and what goes with it", () => {
  test("the password and the API key are each other's strangers", async () => {
    expect(right(await identity().byPassword("alice", "pass"))).toEqual(who)
    expect(right(await identity().byApiKey("alice", "key"))).toEqual(who)
    expect(right(await identity().byApiKey("alice", "key"))).toEqual(who)
    expectStrangers(
      await identity().byApiKey("alice", "pass"),
      await identity().byPassword("alice", "key"),
      await identity().byApiKey("alice", ""),
      await identity().byApiKey("alice", "key".repeat(1000)),
      await identity().byApiKey("nobody", "key"),
      await identity().byPassword("admin", ""),
      await identity().byApiKey("admin", ""),
    )
  })

  test("either will do for those who take either", async () => {
    for (const secret of ["pass", "key", "key", "pass"]) {
      expect(right(await identity().byPasswordOrApiKey("alice", secret))).toEqual(who)
    }
    expectStrangers(
      await identity().byPasswordOrApiKey("alice", "wrong"),
      await identity().byPasswordOrApiKey("nobody", "key"),
      await identity().byPasswordOrApiKey("admin", ""),
    )
  })

  test("a password that was changed lets nobody in, however often it was right", async () => {
    right(await identity().byPassword("alice", "pass"))
    right(await identity().byPassword("alice", "pass"))
    const bob = await identity().createAccount({ who: house.stage.who }, { login: "bob" })
    const other = await ledger().read.users.get(right(bob).userId)
    await becomeUser({ passwordHash: told(other?.passwordHash ?? null) })
    expectStrangers(await identity().byPassword("alice", "pass"))
    expect(right(await identity().byPassword("alice", told(right(bob).password)))).toEqual(who)
  })

  test("users are found by their ids and names", async () => {
    const user = await identity().user(alice.userId)
    expect(user).toEqual({
      ...{ id: alice.userId, name: "alice", accountId: alice.account.id, role: "member" },
      createdAt: expect.any(Number),
    })
    const token = right(await identity().describeToken(told(alice.token)))
    expect(token.user).toEqual(user)
    expect(await identity().userNamed("alice")).toEqual(user)
    expect(await identity().userNamed("nobody")).toBeUndefined()
    expect(await identity().user(newId())).toBeUndefined()
  })

  test("no secret is longer than what is checked", async () => {
    const asking = { who: house.stage.who }
    for (const wish of [{ password: "x".repeat(1025) }, { apiKey: "\ud800" }]) {
      expect(faultOf(await identity().createAccount(asking, { login: "b", ...wish }))).toBe(
        "invalid",
      )
    }
    const password = "x".repeat(1024)
    right(await identity().createAccount(asking, { login: "b", password }))
    expect(faultOf(await identity().byPassword("b", password))).toBe("none")
  })
})

describe("a token", () => {
  test("of one kind is none of the other, and dies of age, and with its user", async () => {
    const [token, refresh] = [told(alice.token), told(alice.refreshToken)]
    expect(right(await identity().byToken(token))).toEqual(who)
    expect(right(await identity().byRefreshToken(refresh))).toEqual(who)
    expectStrangers(
      await identity().byToken(refresh),
      await identity().byRefreshToken(token),
      await identity().byRefreshToken("x"),
      await identity().describeToken(refresh),
      await identity().describeToken(""),
    )
    await become(refresh, { expiresAt: Date.now() })
    await become(token, { expiresAt: Date.now() })
    expectStrangers(
      await identity().byToken(token),
      await identity().byRefreshToken(refresh),
      await identity().describeToken(token),
    )
    await become(token, { expiresAt: Date.now() + hourMs })
    expect(right(await identity().byToken(token))).toEqual(who)
    await ledger().transaction((rooms) => rooms.users.remove(alice.userId))
    expectStrangers(
      await identity().byToken(token),
      await identity().issueToken(who, { livesMs: hourMs }),
    )
  })

  test("is issued for a time, and says whose it is", async () => {
    const before = Date.now()
    const { token, ...times } = right(await identity().issueToken(who, { livesMs: hourMs }))
    expect(times.issuedAt).toBeGreaterThanOrEqual(before)
    expect(times.expiresAt - times.issuedAt).toBe(hourMs)
    const view = right(await identity().describeToken(token))
    expect(view).toMatchObject({ who, account: alice.account, user: { name: "alice" }, ...times })
    const [kept] = await ledger().read.tokens.find({ hash: hash(token) })
    expect(JSON.stringify(kept)).not.toContain(token)
    const reader = await house.member("bob", "reader")
    expect(right(await identity().byToken(await issued(reader)))).toEqual(reader)
  })

  test.each([0, 999, 365 * 24 * hourMs + 1, 1000.5, Number.NaN, -1])(
    "of %d ms is none",
    async (livesMs) => {
      expect(faultOf(await identity().issueToken(who, { livesMs }))).toBe("invalid")
    },
  )

  test("to refresh with is issued too, and is no bearer token", async () => {
    const wish = { livesMs: hourMs, kind: "refresh" } as const
    const { token } = right(await identity().issueToken({ ...who, role: "reader" }, wish))
    expect(right(await identity().byRefreshToken(token))).toEqual({ ...who, role: "reader" })
    expectStrangers(await identity().byToken(token))
  })

  test("for another account is the administrator's, and nobody's who no longer is one", async () => {
    const acting = right(await identity().actFor(house.stage.who, "alice"))
    const token = await issued(acting)
    expect(right(await identity().byToken(token))).toEqual(acting)
    expect(acting).toMatchObject({ accountId: alice.account.id, everywhere: true })
    expect(right(await identity().describeToken(token)).account.login).toBe("alice")
    const { userId } = house.stage.who
    await ledger().transaction((rooms) => rooms.users.change(userId, { role: "member" }))
    expectStrangers(await identity().byToken(token))
  })

  test("gives less than the user has, and never more than the user has left", async () => {
    const { stage } = house
    const lesser = { ...stage.who, role: "reader", everywhere: false } as const
    expect(right(await identity().byToken(await issued(lesser)))).toEqual(lesser)
    // Who was let in for one account does not come to see all of them by asking for a token.
    const narrow = await issued({ ...stage.who, everywhere: false })
    expect(right(await identity().byToken(narrow))).toMatchObject({ everywhere: false })
    const token = await issued(who)
    await becomeUser({ role: "reader" })
    expect(right(await identity().byToken(token))).toEqual({ ...who, role: "reader" })
    await becomeUser({ role: "admin" })
    expect(right(await identity().byToken(token))).toEqual(who)
  })

  test("is taken back by its user or the administrator", async () => {
    const bob = await house.member("bob")
    const [first, second] = [await issued(who), await issued(who)]
    const notBobs = await identity().revokeToken(bob, first)
    expect(faultOf(notBobs)).toBe("not-found")
    expect(JSON.stringify(notBobs)).not.toContain(first)
    const unknown = await identity().revokeToken(bob, `${first}x`)
    expect(Object.keys(unknown)).toEqual(Object.keys(notBobs))
    expect(right(await identity().byToken(first))).toEqual(who)
    expect(right(await identity().revokeToken(who, first))).toBeNull()
    expect(faultOf(await identity().revokeToken(who, first))).toBe("not-found")
    expect(right(await identity().revokeToken(house.stage.who, second))).toBeNull()
    expectStrangers(await identity().byToken(first), await identity().byToken(second))
  })

  test("makes the oldest go when there are ten thousand, but none that lasts", async () => {
    const [kept] = await ledger().read.tokens.find({ userId: who.userId, kind: "bearer" })
    const expiresAt = Date.now() + hourMs
    const scope = { accountId: null, role: null, credentialId: null, story: null }
    const row = { kind: "bearer", userId: who.userId, ...scope } as const
    const rows = Array.from({ length: 9998 }, (_, i) => ({
      ...{ ...row, id: newId<"token">(), hash: `h${i}`, createdAt: 1, expiresAt },
    }))
    await ledger().transaction(async (rooms) => {
      for (const each of rows) await rooms.tokens.add(each)
    })
    const hashes = async () =>
      (await ledger().read.tokens.find({ userId: who.userId, kind: "bearer" }, { limit: 3 })).map(
        (token) => token.hash,
      )
    const count = () => ledger().read.tokens.count({ userId: who.userId, kind: "bearer" })
    await issued(who)
    expect(await count()).toBe(10_000)
    expect(await hashes()).toEqual([kept?.hash, "h0", "h1"])
    const newest = await issued(who)
    expect(await count()).toBe(10_000)
    expect(await hashes()).toEqual([kept?.hash, "h1", "h2"])
    await ledger().transaction((rooms) =>
      rooms.tokens.change(told(rows[9000]?.id ?? null), { expiresAt: 1 }),
    )
    await issued(who)
    // One that had expired went first.
    expect(await hashes()).toEqual([kept?.hash, "h1", "h2"])
    expect(right(await identity().byToken(newest))).toEqual(who)
  })
})
