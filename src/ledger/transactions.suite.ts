import { describe, expect, test } from "vitest"
import type { Bench } from "./ledger.suite.ts"
import { event, machine, snapshot } from "./samples.suite.ts"

export function transactionsSuite(bench: Bench): void {
  describe("a transaction", () => {
    test("that throws has changed nothing, and throws the very thing", async () => {
      const kept = snapshot()
      await bench.ledger.transaction((rooms) => rooms.snapshots.add(kept))
      const failure = new Error("no")
      const failing = bench.ledger.transaction(async (rooms) => {
        await rooms.snapshots.add(snapshot())
        await rooms.snapshots.change(kept.id, { name: "other" })
        await rooms.events.add(event())
        await rooms.standing.set("source", kept.id)
        throw failure
      })
      await expect(failing).rejects.toBe(failure)
      expect(await bench.ledger.read.snapshots.find({})).toEqual([kept])
      expect(await bench.ledger.read.events.newest()).toBe(0)
      expect(await bench.ledger.read.standing.get("source")).toBeNull()
    })

    test("sees its own changes; nobody else does before its end", async () => {
      const row = snapshot()
      await bench.ledger.transaction(async (rooms) => {
        await rooms.snapshots.add(row)
        expect(await rooms.snapshots.get(row.id)).toEqual(row)
        expect(await bench.ledger.read.snapshots.get(row.id)).toBeUndefined()
        expect(await bench.ledger.read.snapshots.count({})).toBe(0)
      })
      expect(await bench.ledger.read.snapshots.get(row.id)).toEqual(row)
    })

    test("is serial with every other: no update is lost", async () => {
      const row = machine()
      await bench.ledger.transaction((rooms) => rooms.machines.add(row))
      const one = () =>
        bench.ledger.transaction(async (rooms) => {
          const seen = await rooms.machines.get(row.id)
          await rooms.machines.change(row.id, { createdAt: (seen?.createdAt ?? 0) + 1 })
        })
      await Promise.all(Array.from({ length: 200 }, one))
      const after = await bench.ledger.read.machines.get(row.id)
      expect(after?.createdAt).toBe(row.createdAt + 200)
    })

    test("fails alone among those that are made durable with it", async () => {
      const rows = Array.from({ length: 30 }, () => snapshot())
      const outcomes = await Promise.allSettled(
        rows.map((row, i) =>
          bench.ledger.transaction(async (rooms) => {
            await rooms.snapshots.add(row)
            // A statement that fails, and work that throws by itself.
            if (i % 3 === 1) await rooms.snapshots.add(row)
            if (i % 3 === 2) throw new Error("by itself")
            return i
          }),
        ),
      )
      const done = outcomes.filter((outcome) => outcome.status === "fulfilled")
      expect(done.map((outcome) => outcome.value)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
      expect(await bench.ledger.read.snapshots.find({})).toEqual(rows.filter((_, i) => i % 3 === 0))
    })

    test("inside a transaction is refused, for it would wait for itself", async () => {
      const nested = bench.ledger.transaction(() => bench.ledger.transaction(async () => {}))
      await expect(nested).rejects.toThrow(/inside/)
      // What work leaves behind it is not inside any more.
      let later: Promise<void> | undefined
      await bench.ledger.transaction(async () => {
        later = Promise.resolve()
          .then(() => new Promise<void>((resolve) => setTimeout(resolve, 1)))
          .then(() => bench.ledger.set("later", "done"))
      })
      await later
      expect(await bench.ledger.setting("later")).toBe("done")
    })

    test("after the end of the ledger is refused; one before it is finished", async () => {
      const ledger = await bench.place.open()
      const last = ledger.transaction(async () => "finished")
      await ledger.close()
      expect(await last).toBe("finished")
      await expect(ledger.transaction(async () => {})).rejects.toThrow(/closed/)
    })
  })
}
