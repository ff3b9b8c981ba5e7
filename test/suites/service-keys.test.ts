/** SSH keys of an account, and whom a signature made with one of them stands for. */
import { generateKeyPairSync } from "node:crypto"
import sshpk from "sshpk"
import { beforeEach, describe, expect, test } from "vitest"
import type { Principal, SshKey } from "../../src/domain/account.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const identity = () => house.core().identity

/** As `ssh-keygen` made it, and what it says of it. */
const ed25519 = {
  line: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBgZpwVuZePcA2e/t7J6u1g1rVa+MIIKK5rkuVJ/fYeP me@here",
  md5: "a3:0a:f1:82:6f:f4:24:50:88:ca:11:52:e4:74:0d:91",
  sha256: "SHA256:geHhnIZ35mLqKTLqlRWe3/d2GZvPIlsYLS9YWxpCCP8",
}

function anotherKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519")
  const spki = publicKey.export({ type: "spki", format: "pem" })
  return sshpk.parseKey(spki, "pem").toString("ssh")
}

let alice: Principal
beforeEach(async () => {
  alice = await house.member("alice")
})

const add = async (who: Principal, publicKey = anotherKey(), name?: string): Promise<SshKey> => {
  const wish = name === undefined ? { publicKey } : { publicKey, name }
  return right(await identity().addKey({ who }, wish))
}
const namesOf = async (who: Principal) =>
  right(await identity().listKeys(who)).map(({ name }) => name)

describe("adding", () => {
  test("calls a key without a name by its fingerprint", async () => {
    const key = await add(alice, ed25519.line)
    expect(key).toMatchObject({ name: ed25519.md5, fingerprint: ed25519.md5 })
    expect(key).toMatchObject({ publicKey: ed25519.line, userId: alice.userId })
    expect(right(await identity().listKeys(alice))).toEqual([key])
  })

  test("takes each name and each key once in an account", async () => {
    await add(alice, ed25519.line, "one")
    const twice = { publicKey: ed25519.line, name: "two" }
    expect(faultOf(await identity().addKey({ who: alice }, twice))).toBe("name-taken")
    const sameName = { publicKey: anotherKey(), name: "one" }
    expect(faultOf(await identity().addKey({ who: alice }, sameName))).toBe("name-taken")
    expect(await namesOf(alice)).toEqual(["one"])
    const bob = await house.member("bob")
    await add(bob, ed25519.line, "one")
    expect(await namesOf(bob)).toEqual(["one"])
  })

  test.each([
    ["a name of another's fingerprint", { name: ed25519.md5 }],
    ["one in capitals", { name: `MD5:${ed25519.md5.toUpperCase()}` }],
    ["one in the newer form", { name: ed25519.sha256 }],
    ["no name at all", { name: "" }],
    ["a name too long", { name: "x".repeat(256) }],
    ["a key that only looks like one", { publicKey: ed25519.line.slice(0, 60) }],
  ])("refuses %s", async (_, wish) => {
    const asked = identity().addKey({ who: alice }, { publicKey: anotherKey(), ...wish })
    expect(faultOf(await asked)).toBe("invalid")
    expect(await namesOf(alice)).toEqual([])
  })

  test("ends at a hundred", async () => {
    for (let i = 0; i < 100; i++) await add(alice)
    const wish = { publicKey: anotherKey() }
    expect(await identity().addKey({ who: alice }, wish)).toMatchObject({
      fault: { kind: "quota", limit: 100, used: 100 },
    })
    await add(await house.member("bob"))
  })

  test("under one key of the request is adding once", async () => {
    const repeat = { key: "k", requestHash: "h" }
    const wish = { publicKey: ed25519.line }
    const first = await identity().addKey({ who: alice, repeat }, wish)
    expect(await identity().addKey({ who: alice, repeat }, wish)).toEqual(first)
    expect(await namesOf(alice)).toHaveLength(1)
  })

  test("is not for readers, nor for who acts with less than the key would give", async () => {
    const reader = await house.member("bob", "reader")
    const wish = { publicKey: anotherKey() }
    expect(faultOf(await identity().addKey({ who: reader }, wish))).toBe("forbidden")
    const lesser = { ...house.stage.who, role: "member", everywhere: false } as const
    expect(faultOf(await identity().addKey({ who: lesser }, wish))).toBe("forbidden")
    const acting = right(await identity().actFor(house.stage.who, "alice"))
    expect(await add(acting)).toMatchObject({ userId: alice.userId, accountId: alice.accountId })
  })
})

describe("keys of another user", () => {
  async function users() {
    const make = async (name: string, role: "member" | "reader") => {
      const wish = { name, account: "alice", role }
      const made = right(await identity().createUser({ who: house.stage.who }, wish))
      return right(await identity().byToken(made.token ?? ""))
    }
    return { carl: await make("carl", "member"), rita: await make("rita", "reader") }
  }

  test("are added and removed by the account's owner, and the administrator", async () => {
    const { rita } = await users()
    const acting = right(await identity().actFor(house.stage.who, "alice"))
    for (const who of [alice, acting]) {
      for (const user of ["rita", rita.userId]) {
        const wish = { publicKey: anotherKey(), name: "hers", user }
        const key = right(await identity().addKey({ who }, wish))
        expect(key.userId).toBe(rita.userId)
        const signer = await identity().signer({ account: "alice", user, key: "hers" })
        expect(signer?.who).toEqual(rita)
        expect(right(await identity().removeKey({ who }, "hers"))).toBeNull()
      }
    }
    const names = right(await identity().listUsers(alice)).map(({ name }) => name)
    expect(names).toEqual(["alice", "carl", "rita"])
    expect(JSON.stringify(await identity().listUsers(alice))).not.toContain("Hash")
  })

  test("are nobody else's business", async () => {
    const { carl } = await users()
    await add(alice, undefined, "mine")
    const wish = { publicKey: anotherKey(), user: "alice" }
    expect(faultOf(await identity().addKey({ who: carl }, wish))).toBe("forbidden")
    expect(faultOf(await identity().removeKey({ who: carl }, "mine"))).toBe("forbidden")
    expect(await add(carl)).toMatchObject({ userId: carl.userId })
    const bob = await house.member("bob")
    for (const user of ["bob", bob.userId, "nobody"]) {
      const foreign = await identity().addKey({ who: alice }, { ...wish, user })
      expect(foreign).toMatchObject({ fault: { kind: "not-found", what: "user", id: user } })
    }
    expect(await namesOf(bob)).toEqual([])
  })
})

describe("removing", () => {
  test.each([
    ["its name", "laptop"],
    ["its fingerprint", ed25519.md5],
    ["its fingerprint, said to be MD5", `MD5:${ed25519.md5}`],
    ["the newer fingerprint", ed25519.sha256],
  ])("goes by %s", async (_, ref) => {
    await add(alice, undefined, "other")
    await add(alice, ed25519.line, "laptop")
    expect(right(await identity().removeKey({ who: alice }, ref))).toBeNull()
    expect(await namesOf(alice)).toEqual(["other"])
    expect(faultOf(await identity().removeKey({ who: alice }, ref))).toBe("not-found")
  })

  test("touches no other account, and readers touch nothing", async () => {
    await add(alice, ed25519.line, "laptop")
    const bob = await house.member("bob")
    const reader = await house.member("carol", "reader")
    const { accountId } = alice
    for (const ref of ["laptop", ed25519.md5, ed25519.sha256]) {
      const foreign = await identity().removeKey({ who: bob }, ref)
      expect(foreign).toEqual({ ok: false, fault: { kind: "not-found", what: "key", id: ref } })
      const looking = { ...reader, accountId }
      expect(faultOf(await identity().removeKey({ who: looking }, ref))).toBe("forbidden")
    }
    expect(await namesOf(alice)).toEqual(["laptop"])
  })

  test("again under one key of the request is removing once", async () => {
    const repeat = { key: "k", requestHash: "h" }
    await add(alice, undefined, "laptop")
    for (let i = 0; i < 2; i++) {
      expect(right(await identity().removeKey({ who: alice, repeat }, "laptop"))).toBeNull()
    }
  })
})

describe("the signer", () => {
  let key: SshKey
  beforeEach(async () => {
    key = await add(alice, ed25519.line, "laptop")
  })

  test("is the user of the key, for that account alone", async () => {
    const account = await identity().account(alice.accountId)
    const refs = ["laptop", ed25519.md5, ed25519.md5.toUpperCase(), `MD5:${ed25519.md5}`]
    for (const ref of [...refs, ed25519.sha256]) {
      expect(await identity().signer({ account: "alice", key: ref })).toEqual({ key, who: alice })
    }
    for (const ref of ["alice", account?.tenantId ?? "", String(account?.accountNumber)]) {
      expect(await identity().signer({ account: ref, key: "laptop" })).toEqual({ key, who: alice })
      const named = { account: ref, user: "alice", key: "laptop" }
      expect(await identity().signer(named)).toEqual({ key, who: alice })
    }
  })

  test("has the role of the key's own user", async () => {
    const wish = { name: "carl", account: "alice" } as const
    const made = right(await identity().createUser({ who: house.stage.who }, wish))
    const carl = right(await identity().byToken(made.token ?? ""))
    const carls = await add(carl, undefined, "desk")
    const { ledger } = house.stage.making
    await ledger.transaction((rooms) => rooms.users.change(carl.userId, { role: "reader" }))
    const { who } = (await identity().signer({ account: "alice", user: "carl", key: "desk" })) ?? {}
    expect(who).toEqual({ ...carl, role: "reader" })
    expect((await identity().signer({ account: "alice", key: "desk" }))?.key).toEqual(carls)
    // The account's other user does not sign with it.
    const other = { account: "alice", user: "alice", key: "desk" }
    expect(await identity().signer(other)).toBeUndefined()
  })

  test("who is an administrator acts as one, in that account only", async () => {
    await add(house.stage.who, undefined, "root")
    const signer = await identity().signer({ account: "admin", key: "root" })
    expect(signer?.who).toEqual({ ...house.stage.who, everywhere: false })
  })

  test.each([
    ["another account", { account: "bob", key: "laptop" }],
    ["no account", { account: "nobody", key: "laptop" }],
    ["no user", { account: "alice", user: "nobody", key: "laptop" }],
    ["a user of another account", { account: "alice", user: "bob", key: "laptop" }],
    ["another account and its user", { account: "bob", user: "alice", key: "laptop" }],
    ["no key", { account: "alice", key: "desk" }],
    ["no fingerprint", { account: "alice", key: ed25519.md5.replace("a3", "a4") }],
    ["an empty one", { account: "alice", key: "" }],
  ])("%s is nobody", async (_, ref) => {
    await house.member("bob")
    expect(await identity().signer(ref)).toBeUndefined()
  })

  test("with a key that is gone is nobody", async () => {
    right(await identity().removeKey({ who: alice }, "laptop"))
    expect(await identity().signer({ account: "alice", key: "laptop" })).toBeUndefined()
  })
})
