/** Sums over rows, and rows that are old enough to be forgotten. */
import { describe, expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Bench } from "./ledger.suite.ts"
import { account, logEntry, operation, snapshot, token, user, volume } from "./samples.suite.ts"

export function totalsSuite(bench: Bench): void {
  describe("a sum", () => {
    test("adds up one field of the rows that match; nothing and null count as nothing", async () => {
      const [accountId, other] = [newId<"account">(), newId<"account">()]
      await bench.ledger.transaction(async (rooms) => {
        for (const memoryBytes of [2 ** 40, null, 0, 7]) {
          await rooms.snapshots.add(snapshot({ accountId, memoryBytes }))
        }
        await rooms.snapshots.add(snapshot({ accountId: other, memoryBytes: 1 }))
        await rooms.volumes.add(volume({ accountId, sizeBytes: 512, state: "deleting" }))
        await rooms.volumes.add(volume({ accountId, sizeBytes: 1024, state: "in-use" }))
      })
      const { snapshots, volumes } = bench.ledger.read
      expect(await snapshots.sum("memoryBytes", { accountId })).toBe(2 ** 40 + 7)
      expect(await snapshots.sum("memoryBytes", {})).toBe(2 ** 40 + 8)
      expect(await snapshots.sum("memoryBytes", { accountId: newId<"account">() })).toBe(0)
      const state = ["available", "in-use"] as const
      expect(await volumes.sum("sizeBytes", { accountId, state })).toBe(1024)
      expect(await volumes.sum("sizeBytes", { state: [] })).toBe(0)
    })

    test("is exact to the last byte of what a number can tell", async () => {
      const accountId = newId<"account">()
      await bench.ledger.transaction(async (rooms) => {
        await rooms.volumes.add(volume({ accountId, sizeBytes: 2 ** 52 }))
        await rooms.volumes.add(volume({ accountId, sizeBytes: 2 ** 52 - 1 }))
      })
      expect(await bench.ledger.read.volumes.sum("sizeBytes", { accountId })).toBe(2 ** 53 - 1)
    })
  })

  describe("forgetting", () => {
    const ended = (endedAt: number, patch: Partial<Operation> = {}) =>
      operation({ state: "done", endedAt, ...patch })

    test("takes operations that ended before, with their logs, oldest first", async () => {
      const [old, older, undone, young] = [
        ended(20),
        ended(10),
        ended(30, { state: "undone" }),
        ended(50),
      ]
      const all = [old, older, undone, young]
      await bench.ledger.transaction(async (rooms) => {
        for (const each of all) {
          await rooms.operations.enqueue(each, ["a"])
          await rooms.operations.append(each.id, logEntry())
        }
      })
      const forget = (before: number, atMost: number) =>
        bench.ledger.transaction((rooms) => rooms.operations.forgetEnded(before, atMost))
      const { operations } = bench.ledger.read
      expect(await forget(10, 100)).toBe(0)
      expect(await forget(50, 1)).toBe(1)
      expect(await operations.get(older.id)).toBeUndefined()
      expect(await operations.get(old.id)).toEqual(old)
      expect(await forget(50, 100)).toBe(2)
      expect(await operations.find({})).toEqual([young])
      expect(await operations.log(old.id)).toEqual([])
      expect(await operations.log(young.id)).toHaveLength(1)
    })

    test("leaves what is stuck or goes on, however old", async () => {
      const states = ["queued", "running", "undoing", "stuck"] as const
      const all = states.map((state) => ended(1, { state }))
      await bench.ledger.transaction(async (rooms) => {
        for (const each of all) await rooms.operations.enqueue(each, [])
      })
      const forget = bench.ledger.transaction((rooms) => rooms.operations.forgetEnded(1e15, 100))
      expect(await forget).toBe(0)
      expect(await bench.ledger.read.operations.count({})).toBe(4)
    })

    test("takes tokens whose time is over, and none that has no end", async () => {
      const owner = user(newId<"account">())
      const over = token(owner.id, { expiresAt: 99 })
      const rest = [token(owner.id, { expiresAt: 100 }), token(owner.id, { expiresAt: null })]
      await bench.ledger.transaction(async (rooms) => {
        await rooms.accounts.add(account({ id: owner.accountId }))
        await rooms.users.add(owner)
        for (const each of [over, ...rest]) await rooms.tokens.add(each)
        await rooms.tokens.forgetExpired(100)
      })
      expect(await bench.ledger.read.tokens.find({})).toEqual(rest)
    })
  })
}
