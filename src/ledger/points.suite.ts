/** Lists of points, in which each comes with its snapshot. */
import { describe, expect, test } from "vitest"
import { type AccountId, newId } from "../domain/ids.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Bench } from "./ledger.suite.ts"
import type { PointRow } from "./ledger.ts"
import { point, snapshot, volume } from "./samples.suite.ts"

export function pointsSuite(bench: Bench): void {
  const put = async (accountId: AccountId, of: Partial<Snapshot>, points: Partial<Point>[]) => {
    const row = snapshot({ accountId, recovery: false, state: "ready", ...of })
    const rows = points.map((each) => point({ ...each, accountId, snapshotId: row.id }))
    await bench.ledger.transaction(async (rooms) => {
      await rooms.snapshots.add(row)
      for (const each of rows) await rooms.points.add(each)
    })
    return rows.map((each): PointRow => ({ point: each, snapshot: row }))
  }

  describe("a page of points", () => {
    test("has a row for each, with all that is known of its snapshot", async () => {
      const [one, other] = [newId<"account">(), newId<"account">()]
      const first = await put(one, { name: "a" }, [{}, {}])
      const second = await put(one, { name: "b", state: "creating" }, [{}])
      await put(other, {}, [{}])
      const all = [...first, ...second]
      const { points } = bench.ledger.read
      const where = { point: { accountId: one } }
      const newestFirst = { limit: 10, order: "newest-first" } as const
      expect(await points.page(where, { limit: 10 })).toEqual(all)
      expect(await points.page(where, newestFirst)).toEqual(all.toReversed())
      expect(await points.page({}, { limit: 10 })).toHaveLength(4)
    })

    test("is chosen by what is said of the point, and of its snapshot", async () => {
      const accountId = newId<"account">()
      const volumeId = newId<"volume">()
      const [wanted, extra] = await put(accountId, { name: "a" }, [{ volumeId }, {}])
      await put(accountId, { name: "a", state: "failed" }, [{ volumeId }])
      await put(accountId, { name: "a", recovery: true }, [{ volumeId }])
      const { points } = bench.ledger.read
      const state = ["ready", "creating"] as const
      const of = { accountId, name: "a", state, recovery: false }
      const page = { limit: 10 }
      const where = { point: { accountId, volumeId }, snapshot: of }
      expect(await points.page(where, page)).toEqual([wanted])
      expect(await points.countIn(where)).toBe(1)
      expect(await points.page({ snapshot: of }, page)).toEqual([wanted, extra])
      expect(await points.countIn({ snapshot: of })).toBe(2)
      expect(await points.countIn({ snapshot: { ...of, state: [] } })).toBe(0)
      expect(await points.countIn({ point: { accountId } })).toBe(4)
    })

    test("is counted by what is said of its volume, too", async () => {
      const accountId = newId<"account">()
      const volumes = ["SSD", "SATA", null].map((type) => volume({ accountId, type }))
      const [fast, slow, plain] = volumes.map(({ id }) => ({ volumeId: id }))
      await bench.ledger.transaction(async (rooms) => {
        for (const each of volumes) await rooms.volumes.add(each)
      })
      await put(accountId, {}, [{ ...fast }, { ...slow }])
      await put(accountId, {}, [{ ...fast }, { ...plain }, {}])
      const count = (type: readonly (string | null)[]) =>
        bench.ledger.read.points.countIn({ point: { accountId }, volume: { type } })
      expect([await count(["SSD"]), await count(["SATA", null])]).toEqual([2, 2])
    })

    test("goes on after a point's id, and passes over as many as it is told", async () => {
      const accountId = newId<"account">()
      const all = (await put(accountId, {}, [{}, {}, {}, {}, {}])).map((row) => row.point.id)
      const ids = async (page: object) =>
        (await bench.ledger.read.points.page({ point: { accountId } }, { limit: 2, ...page })).map(
          (row) => row.point.id,
        )
      expect(await ids({ after: all[1] })).toEqual([all[2], all[3]])
      expect(await ids({ after: all[1], order: "newest-first" })).toEqual([all[0]])
      expect(await ids({ offset: 3 })).toEqual([all[3], all[4]])
      expect(await ids({ offset: 1, order: "newest-first" })).toEqual([all[3], all[2]])
      await expect(ids({ limit: 0 })).rejects.toThrow(/limit/)
    })

    test("leaves out those whose snapshot is not there", async () => {
      const [row] = await put(newId<"account">(), {}, [{}])
      await bench.ledger.transaction((rooms) => rooms.snapshots.remove(row?.snapshot.id ?? ""))
      expect(await bench.ledger.read.points.page({}, { limit: 10 })).toEqual([])
      expect(await bench.ledger.read.points.countIn({})).toBe(0)
    })
  })
}
