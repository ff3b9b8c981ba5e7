/** Credentials for programs: never more than their user, gone when they are told to go. */
import { beforeEach, describe, expect, test } from "vitest"
import type { AppCredentialRow, Principal } from "../../src/domain/account.ts"
import { newId } from "../../src/domain/ids.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"
import { expectStrangers } from "../fixtures/strangers.ts"

const house = houseForEachTest()
const identity = () => house.core().identity
const ledger = () => house.stage.making.ledger

let alice: Principal
beforeEach(async () => {
  alice = await house.member("alice")
})

type Wish = Parameters<ReturnType<typeof identity>["addAppCredential"]>[1]
const add = async (who: Principal, wish: Partial<Wish> = {}) => {
  const { credential, secret } = right(
    await identity().addAppCredential({ who }, { name: "robot", ...wish }),
  )
  return { credential, secret: secret ?? "" }
}
const demote = ({ userId }: Principal, role: Principal["role"]) =>
  ledger().transaction((rooms) => rooms.users.change(userId, { role }))
/** Who comes with a new one. */
async function robotOf(who: Principal, wish: Partial<Wish> = {}) {
  const { credential, secret } = await add(who, wish)
  const robot = right(await identity().byAppCredential({ id: credential.id }, secret))
  return { credential, robot }
}
const refused = async (who: Principal, wish: Partial<Wish>) =>
  faultOf(await identity().addAppCredential({ who }, { name: "robot", ...wish }))

const change = (id: string, patch: Partial<AppCredentialRow>) =>
  ledger().transaction((rooms) => rooms.appCredentials.change(id, patch))

describe("making one", () => {
  test("tells its secret once, and keeps a hash", async () => {
    const { credential, secret } = await add(alice, { description: "backups" })
    const { userId, accountId } = alice
    const said = { name: "robot", description: "backups", role: "member", expiresAt: null }
    expect(credential).toMatchObject({ ...said, userId, accountId })
    expect(Buffer.from(secret, "base64url")).toHaveLength(32)
    expect(right(await identity().listAppCredentials(alice))).toEqual([credential])
    expect(credential).not.toHaveProperty("secretHash")
    expect(JSON.stringify(await ledger().read.appCredentials.find({}))).not.toContain(secret)
  })

  test("again under one key of the request is making one, whose secret was told", async () => {
    const asking = { who: alice, repeat: { key: "k", requestHash: "h" } }
    const first = right(await identity().addAppCredential(asking, { name: "robot" }))
    const second = right(await identity().addAppCredential(asking, { name: "robot" }))
    expect(second).toEqual({ credential: first.credential, secret: null })
    const kept = await ledger().read.repeats.get(alice.userId, "k")
    expect(JSON.stringify(kept)).not.toContain(first.secret)
    expect(JSON.stringify(kept)).not.toContain("argon2id")
  })

  test("takes each name once of a user", async () => {
    await add(alice)
    expect(await refused(alice, {})).toBe("name-taken")
    await add(await house.member("bob"))
  })

  test("gives no more of a role than who makes it has", async () => {
    const reader = await house.member("bob", "reader")
    expect(await refused(reader, {})).toBe("forbidden")
    expect(await refused(alice, { role: "admin" })).toBe("forbidden")
    expect((await add(alice, { role: "reader" })).credential.role).toBe("reader")
    const admin = house.stage.who
    expect((await add(admin)).credential.role).toBe("admin")
    const lesser = { ...admin, role: "member", everywhere: false } as const
    expect(await refused(lesser, { role: "admin" })).toBe("forbidden")
    const narrow = { ...admin, everywhere: false }
    expect(await refused(narrow, { role: "admin" })).toBe("forbidden")
  })

  test.each<[string, Partial<Wish>]>([
    ["no name", { name: "" }],
    ["a name too long", { name: "x".repeat(256) }],
    ["a description too long", { description: "x".repeat(4097) }],
    ["an empty secret", { secret: "" }],
    ["a secret too long", { secret: "x".repeat(1025) }],
    ["an end in the past", { expiresAt: Date.now() - 1 }],
    ["an end that is no time", { expiresAt: Number.POSITIVE_INFINITY }],
  ])("with %s is refused", async (_, wish) => {
    expect(await refused(alice, wish)).toBe("invalid")
  })

  test("ends at a hundred of one user", async () => {
    const { id } = (await add(alice)).credential
    await ledger().transaction(async (rooms) => {
      const kept = await rooms.appCredentials.get(id)
      if (kept === undefined) throw new Error("it is not kept")
      for (let i = 1; i < 100; i++) {
        await rooms.appCredentials.add({ ...kept, id: newId(), name: `robot ${i}` })
      }
    })
    const asked = await identity().addAppCredential({ who: alice }, { name: "one more" })
    expect(asked).toMatchObject({ fault: { kind: "quota", limit: 100, used: 100 } })
    await add(await house.member("bob"))
  })
})

describe("using one", () => {
  test("goes by its id, written in any way, and by its name", async () => {
    const { credential, secret } = await add(alice, { secret: "chosen" })
    const { id } = credential
    expect(secret).toBe("chosen")
    const short = id.replaceAll("-", "")
    const refs = [{ id }, { id: short }, { id: short.toUpperCase() }]
    for (const ref of [...refs, { userName: "alice", name: "robot" }]) {
      expect(right(await identity().byAppCredential(ref, secret))).toEqual({
        ...alice,
        credentialId: id,
      })
    }
  })

  test("with anything wrong is a stranger's", async () => {
    const bob = await house.member("bob")
    const { credential, secret } = await add(alice)
    const { id } = credential
    const bobs = await add(bob, { name: "other" })
    const ids = [newId(), `${id}0`, "robot", bobs.credential.id].map((each) => ({ id: each }))
    const names = ["bob robot", "nobody robot", "alice other"].map((each) => {
      const [userName = "", name = ""] = each.split(" ")
      return { userName, name }
    })
    const asked = [...ids, ...names].map((ref) => identity().byAppCredential(ref, secret))
    expectStrangers(
      ...(await Promise.all(asked)),
      await identity().byAppCredential({ id }, `${secret}x`),
      await identity().byAppCredential({ id }, ""),
    )
  })

  test("past its end, or after its user, is a stranger's, though it was right before", async () => {
    const { credential, secret } = await add(alice, { expiresAt: Date.now() + 3_600_000 })
    const { id } = credential
    expect(right(await identity().byAppCredential({ id }, secret))).toMatchObject(alice)
    await change(id, { expiresAt: Date.now() })
    expectStrangers(await identity().byAppCredential({ id }, secret))
    await change(id, { expiresAt: null })
    expect(right(await identity().byAppCredential({ id }, secret))).toMatchObject(alice)
    await ledger().transaction((rooms) => rooms.users.remove(alice.userId))
    expectStrangers(await identity().byAppCredential({ id }, secret))
  })

  test("gives its own role, into tokens too, and never more than the user has left", async () => {
    const admin = house.stage.who
    const { credential, robot } = await robotOf(admin, { role: "member" })
    const credentialId = credential.id
    expect(robot).toEqual({ ...admin, role: "member", everywhere: false, credentialId })
    const { token } = right(await identity().issueToken(robot, { livesMs: 3_600_000 }))
    expect(right(await identity().byToken(token))).toEqual(robot)
    expect(faultOf(await identity().actFor(robot, "alice"))).toBe("forbidden")
    const whole = await add(admin, { name: "whole" })
    const ref = { id: whole.credential.id }
    expect(right(await identity().byAppCredential(ref, whole.secret))).toMatchObject(admin)
    await demote(admin, "reader")
    const after = right(await identity().byAppCredential(ref, whole.secret))
    expect(after).toMatchObject({ ...admin, role: "reader", everywhere: false })
  })

  test("for another account is the administrator's only", async () => {
    const acting = right(await identity().actFor(house.stage.who, "alice"))
    const { credential, secret } = await add(acting, { role: "member" })
    const ref = { id: credential.id }
    expect(right(await identity().byAppCredential(ref, secret))).toMatchObject({
      ...acting,
      role: "member",
      everywhere: false,
    })
    await demote(acting, "member")
    expectStrangers(await identity().byAppCredential(ref, secret))
  })
})

describe("who comes with one", () => {
  const livesMs = 3_600_000

  test("makes and removes no proofs, neither at once nor by a token", async () => {
    const { credential, robot } = await robotOf(alice)
    const { token } = right(await identity().issueToken(robot, { livesMs }))
    for (const who of [robot, right(await identity().byToken(token))]) {
      expect(await refused(who, { name: "another" })).toBe("forbidden")
      expect(faultOf(await identity().removeAppCredential({ who }, credential.id))).toBe(
        "forbidden",
      )
      expect(faultOf(await identity().addKey({ who }, { publicKey: "x" }))).toBe("forbidden")
      expect(faultOf(await identity().removeKey({ who }, "x"))).toBe("forbidden")
      expect(faultOf(await house.core().volumes.list(who, { limit: 1 }))).toBe("none")
    }
  })

  test("makes neither accounts nor users, which have proofs of their own", async () => {
    const who = (await robotOf(house.stage.who)).robot
    expect(who.role).toBe("admin")
    const wish = { name: "mallory", account: "admin", role: "admin" } as const
    expect(faultOf(await identity().createUser({ who }, wish))).toBe("forbidden")
    expect(faultOf(await identity().createAccount({ who }, { login: "mallory" }))).toBe("forbidden")
    expect(await identity().userNamed("mallory")).toBeUndefined()
  })

  test("has tokens that go with it, those got with tokens too", async () => {
    const { credential, robot } = await robotOf(alice)
    const own = right(await identity().issueToken(alice, { livesMs })).token
    const first = right(await identity().issueToken(robot, { livesMs })).token
    const again = right(await identity().byToken(first))
    const second = right(await identity().issueToken(again, { livesMs })).token
    right(await identity().removeAppCredential({ who: alice }, credential.id))
    expectStrangers(
      await identity().byToken(first),
      await identity().byToken(second),
      await identity().issueToken(robot, { livesMs }),
    )
    expect(right(await identity().byToken(own))).toEqual(alice)
  })

  test("has tokens that do not outlive it", async () => {
    const expiresAt = Date.now() + livesMs / 2
    const { credential, robot } = await robotOf(alice, { expiresAt })
    const issued = right(await identity().issueToken(robot, { livesMs }))
    expect(issued.expiresAt).toBe(expiresAt)
    expect(right(await identity().describeToken(issued.token)).expiresAt).toBe(expiresAt)
    await change(credential.id, { expiresAt: Date.now() })
    expectStrangers(await identity().issueToken(robot, { livesMs }))
  })
})

describe("removing one", () => {
  test("ends it; under one key of the request it is removed once", async () => {
    const { credential, secret } = await add(alice)
    const { id } = credential
    right(await identity().byAppCredential({ id }, secret))
    const asking = { who: alice, repeat: { key: "k", requestHash: "h" } }
    for (let i = 0; i < 2; i++) {
      expect(right(await identity().removeAppCredential(asking, id))).toBeNull()
    }
    expectStrangers(await identity().byAppCredential({ id }, secret))
    expect(faultOf(await identity().removeAppCredential({ who: alice }, id))).toBe("not-found")
    expect(right(await identity().listAppCredentials(alice))).toEqual([])
  })

  test("is its user's own business", async () => {
    const { credential } = await add(alice)
    const bob = await house.member("bob")
    const foreign = await identity().removeAppCredential({ who: bob }, credential.id)
    const unknown = newId<"app-credential">()
    const none = await identity().removeAppCredential({ who: bob }, unknown)
    const hide = (answer: unknown) => JSON.stringify(answer).replace(/"id":"[^"]+"/, "")
    expect(hide(foreign)).toBe(hide(none))
    expect(faultOf(foreign)).toBe("not-found")
    const looking = { ...alice, role: "reader" } as const
    const { id } = credential
    expect(faultOf(await identity().removeAppCredential({ who: looking }, id))).toBe("forbidden")
    expect(right(await identity().listAppCredentials(bob))).toEqual([])
    expect(right(await identity().listAppCredentials(alice))).toEqual([credential])
  })
})
