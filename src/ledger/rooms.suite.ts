import { describe, expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import type { Bench } from "./ledger.suite.ts"
import type { Page } from "./ledger.ts"
import {
  account,
  awkward,
  fill,
  image,
  type Kind,
  key,
  point,
  snapshot,
  token,
  user,
} from "./samples.suite.ts"

type AnyRoom = {
  get(id: string): Promise<unknown>
  find(where: object): Promise<unknown[]>
  count(where: object): Promise<number>
}

export function roomsSuite(bench: Bench): void {
  describe("a room", () => {
    test("gives back what was put in, in every kind and to the last character", async () => {
      const all = await fill(bench.ledger)
      for (const kind of Object.keys(all) as Kind[]) {
        const room = bench.ledger.read[kind] as unknown as AnyRoom
        expect(await room.find({}), kind).toEqual(all[kind])
        expect(await room.get(all[kind][1]?.id ?? ""), kind).toEqual(all[kind][1])
        expect(await room.count({}), kind).toBe(2)
        expect(await room.get(newId()), kind).toBeUndefined()
      }
    })

    test("changes what it is told to, and nothing else", async () => {
      const [one, other] = [snapshot(), snapshot()]
      const patch = { name: "new", recovery: false, consistency: null, readyAt: 0 }
      await bench.ledger.transaction(async (rooms) => {
        await rooms.snapshots.add(one)
        await rooms.snapshots.add(other)
        await rooms.snapshots.change(one.id, patch)
      })
      expect(await bench.ledger.read.snapshots.find({})).toEqual([{ ...one, ...patch }, other])
    })

    test("of those who ask tells what was changed at once, however often it was asked before", async () => {
      const { ledger } = bench
      const one = account()
      const its = user(one.id)
      const given = token(its.id)
      await ledger.transaction(async (rooms) => {
        await rooms.accounts.add(one)
        await rooms.users.add(its)
        await rooms.tokens.add(given)
      })
      const read = async () => ({
        login: (await ledger.read.accounts.get(one.id))?.login,
        role: (await ledger.read.users.get(its.id))?.role,
        expiresAt: (await ledger.read.tokens.byHash(given.hash))?.expiresAt,
      })
      const before = await read()
      expect(await read()).toEqual(before)
      expect(await ledger.read.tokens.byHash("nobody's")).toBeUndefined()
      const failing = ledger.transaction(async (rooms) => {
        await rooms.users.change(its.id, { role: "reader" })
        throw new Error("on second thoughts")
      })
      await expect(failing).rejects.toThrow(/second thoughts/)
      expect(await read()).toEqual(before)
      await ledger.transaction((rooms) => rooms.accounts.change(one.id, { login: "other" }))
      expect(await read()).toEqual({ ...before, login: "other" })
      await ledger.transaction((rooms) => rooms.users.change(its.id, { role: "reader" }))
      await ledger.transaction((rooms) => rooms.tokens.change(given.id, { expiresAt: 7 }))
      expect(await read()).toEqual({ login: "other", role: "reader", expiresAt: 7 })
      await ledger.transaction((rooms) => rooms.tokens.remove(given.id))
      expect(await ledger.read.tokens.byHash(given.hash)).toBeUndefined()
      await ledger.transaction((rooms) => rooms.tokens.add(given))
      expect(await ledger.read.tokens.byHash(given.hash)).toEqual(given)
      await ledger.transaction((rooms) => rooms.users.remove(its.id))
      expect(await ledger.read.tokens.byHash(given.hash)).toBeUndefined()
    })

    test("removes, and takes what is not there for removed", async () => {
      const one = point()
      await bench.ledger.transaction(async (rooms) => {
        await rooms.points.add(one)
        await rooms.points.remove(one.id)
        await rooms.points.remove(one.id)
      })
      expect(await bench.ledger.read.points.get(one.id)).toBeUndefined()
    })

    test.each<[string, (one: ReturnType<typeof snapshot>) => object, RegExp]>([
      ["of what is not there", () => ({ id: newId(), patch: { name: "x" } }), /no snapshot/],
      ["of nothing", (one) => ({ id: one.id, patch: {} }), /nothing/],
      ["to undefined", (one) => ({ id: one.id, patch: { name: undefined } }), /undefined/],
      ["to NaN", (one) => ({ id: one.id, patch: { createdAt: Number.NaN } }), /number/],
      ["to a wrong type", (one) => ({ id: one.id, patch: { recovery: 1 } }), /flag/],
    ])("refuses a change %s", async (_, change, why) => {
      const one = snapshot()
      await bench.ledger.transaction((rooms) => rooms.snapshots.add(one))
      const { id, patch } = change(one) as { id: string; patch: object }
      const changing = bench.ledger.transaction((rooms) => rooms.snapshots.change(id, patch))
      await expect(changing).rejects.toThrow(why)
      expect(await bench.ledger.read.snapshots.find({})).toEqual([one])
    })

    test("keeps apart what must be unique", async () => {
      const owner = account()
      const person = user(owner.id)
      const [secret, pair] = [token(person.id), key(person)]
      await bench.ledger.transaction(async (rooms) => {
        await rooms.accounts.add(owner)
        await rooms.users.add(person)
        await rooms.tokens.add(secret)
        await rooms.keys.add(pair)
      })
      const { login, tenantId, accountNumber } = owner
      const twins: [string, () => Promise<void>][] = [
        ["id", () => bench.ledger.transaction((rooms) => rooms.users.add(person))],
        ...[{ login }, { tenantId }, { accountNumber }].map(
          (same): [string, () => Promise<void>] => [
            Object.keys(same).join(),
            () => bench.ledger.transaction((rooms) => rooms.accounts.add(account(same))),
          ],
        ),
        ["user", () => add(bench, "users", user(owner.id, { name: person.name }))],
        ["token", () => add(bench, "tokens", token(person.id, { hash: secret.hash }))],
        ["key", () => add(bench, "keys", key(person, { fingerprint: pair.fingerprint }))],
      ]
      for (const [what, twin] of twins) await expect(twin(), what).rejects.toThrow(/unique/i)
    })

    test("lets go of a person's tokens and keys with the person", async () => {
      const owner = account()
      const person = user(owner.id)
      await bench.ledger.transaction(async (rooms) => {
        await rooms.accounts.add(owner)
        await rooms.users.add(person)
        await rooms.tokens.add(token(person.id))
        await rooms.keys.add(key(person))
        await rooms.users.remove(person.id)
      })
      expect(await bench.ledger.read.tokens.count({})).toBe(0)
      expect(await bench.ledger.read.keys.count({})).toBe(0)
    })
  })

  describe("finding", () => {
    test("takes single values, lists, null, and all of them together", async () => {
      const mine = newId<"account">()
      const images = [
        image({ name: "a", state: "ready" }),
        image({ name: "b", state: "failed", accountId: mine, reason: awkward }),
        image({ name: "c", state: "ready", accountId: mine, sizeBytes: 5 }),
        image({ name: "d", state: "creating", accountId: newId() }),
      ]
      await bench.ledger.transaction(async (rooms) => {
        for (const row of images) await rooms.images.add(row)
      })
      const names = async (where: object) =>
        (await bench.ledger.read.images.find(where)).map((row) => row.name).join("")
      expect(await names({})).toBe("abcd")
      expect(await names({ accountId: mine })).toBe("bc")
      expect(await names({ accountId: null })).toBe("a")
      expect(await names({ accountId: [mine, null] })).toBe("abc")
      expect(await names({ accountId: [null] })).toBe("a")
      expect(await names({ accountId: [mine, null], state: "ready" })).toBe("ac")
      expect(await names({ state: ["failed", "creating", "deleting"] })).toBe("bd")
      expect(await names({ state: [] })).toBe("")
      expect(await names({ sizeBytes: 5 })).toBe("c")
      expect(await names({ reason: awkward })).toBe("b")
      expect(await names({ name: "a' or 1=1 --" })).toBe("")
      expect(await bench.ledger.read.images.count({ accountId: [mine, null] })).toBe(3)
    })

    test("tells flags apart", async () => {
      const [plain, recovery] = [snapshot({ recovery: false }), snapshot({ recovery: true })]
      await add(bench, "snapshots", plain)
      await add(bench, "snapshots", recovery)
      expect(await bench.ledger.read.snapshots.find({ recovery: false })).toEqual([plain])
      expect(await bench.ledger.read.snapshots.find({ recovery: true })).toEqual([recovery])
      const both = await bench.ledger.read.snapshots.find({ recovery: [true, false] })
      expect(both).toEqual([plain, recovery])
    })

    test.each([
      ["undefined, which would find everybody's", { accountId: undefined }, /undefined/],
      ["a field that is JSON", { consistency: null }, /JSON/],
      ["a field that is not there", { "id = id or id": "x" }, /no field/],
    ])("refuses %s", async (_, where, why) => {
      await expect(bench.ledger.read.snapshots.find(where as object)).rejects.toThrow(why)
      await expect(bench.ledger.read.snapshots.count(where as object)).rejects.toThrow(why)
    })
  })

  describe("pages", () => {
    test("in either order hold every row once, and only the account's", async () => {
      const mine = newId<"account">()
      const rows = Array.from({ length: 53 }, (_, i) =>
        snapshot({ name: `${i}`, ...(i % 3 === 0 ? {} : { accountId: mine }) }),
      )
      await bench.ledger.transaction(async (rooms) => {
        for (const row of rows.toReversed()) await rooms.snapshots.add(row)
      })
      const wanted = rows.filter((row) => row.accountId === mine)
      for (const limit of [1, 7, 35, 100]) {
        expect(await pages(bench, mine, { limit })).toEqual(wanted)
        const newestFirst = await pages(bench, mine, { limit, order: "newest-first" })
        expect(newestFirst).toEqual(wanted.toReversed())
      }
    })

    test("go on behind a row that was removed meanwhile", async () => {
      const [a, b, c] = [snapshot(), snapshot(), snapshot()]
      for (const row of [a, b, c]) await add(bench, "snapshots", row)
      await bench.ledger.transaction((rooms) => rooms.snapshots.remove(b.id))
      const rest = await bench.ledger.read.snapshots.find({}, { limit: 9, after: b.id })
      expect(rest).toEqual([c])
    })

    test.each([0, -1, 1.5, Number.NaN])("of %d rows are refused", async (limit) => {
      await expect(bench.ledger.read.points.find({}, { limit })).rejects.toThrow(/limit/)
    })

    test("are needed beyond 10,000 rows", async () => {
      const snapshotId = newId<"snapshot">()
      await bench.ledger.transaction(async (rooms) => {
        for (let i = 0; i < 10_001; i++) await rooms.points.add(point({ snapshotId }))
      })
      await expect(bench.ledger.read.points.find({ snapshotId })).rejects.toThrow(/page/)
      const page = await bench.ledger.read.points.find({ snapshotId }, { limit: 20_000 })
      expect(page).toHaveLength(10_001)
      await bench.ledger.transaction((rooms) => rooms.points.remove(page[0]?.id ?? ""))
      expect(await bench.ledger.read.points.find({ snapshotId })).toHaveLength(10_000)
    })
  })
}

async function pages(bench: Bench, accountId: ReturnType<typeof account>["id"], page: Page) {
  const all = []
  let after: { after?: string } = {}
  for (;;) {
    const found = await bench.ledger.read.snapshots.find({ accountId }, { ...page, ...after })
    expect(found.length).toBeLessThanOrEqual(page.limit)
    all.push(...found)
    const last = found.at(-1)
    if (last === undefined) return all
    after = { after: last.id }
  }
}

const add = (bench: Bench, kind: Kind, row: object) =>
  bench.ledger.transaction((rooms) => rooms[kind].add(row as never))
