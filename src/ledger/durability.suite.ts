import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import type { Bench } from "./ledger.suite.ts"
import type { Ledger } from "./ledger.ts"
import {
  event,
  everything,
  fill,
  type Kind,
  operation,
  point,
  snapshot,
  volume,
} from "./samples.suite.ts"

export function durabilitySuite(bench: Bench): void {
  test("a backup opens as an equal ledger, and is never written over", async () => {
    const all = await fill(bench.ledger)
    await bench.ledger.transaction((rooms) => rooms.events.add(event()))
    const directory = await mkdtemp(join(tmpdir(), "tintype-backup-"))
    const file = join(directory, "copy of ledger.db")
    try {
      const before = await everything(bench.ledger, Object.keys(all) as Kind[])
      await bench.ledger.backup(file)
      await bench.ledger.transaction((rooms) => rooms.events.add(event()))
      const again = bench.ledger.backup(file)
      await expect(again).rejects.toMatchObject({ fault: { kind: "invalid", field: "file" } })
      const twin = join(directory, "twin")
      const twins = await Promise.allSettled([bench.ledger.backup(twin), bench.ledger.backup(twin)])
      expect(twins.map((made) => made.status).toSorted()).toEqual(["fulfilled", "rejected"])
      expect(await readdir(directory)).toEqual(["copy of ledger.db", "twin"])
      const nowhere = bench.ledger.backup(join(directory, "missing", "file"))
      await expect(nowhere).rejects.toMatchObject({ fault: { kind: "invalid", field: "file" } })
      const copy = await bench.place.restore(file)
      expect(await everything(copy, Object.keys(all) as Kind[])).toEqual(before)
      await copy.close()
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test("a backup made under load is one instant's: pairs stay pairs", async () => {
    const directory = await mkdtemp(join(tmpdir(), "tintype-backup-"))
    try {
      for (let i = 0; i < 300; i++) await addPair(bench.ledger)
      let working = true
      const load = (async () => {
        while (working) await addPair(bench.ledger)
      })()
      await bench.ledger.backup(join(directory, "copy"))
      working = false
      await load
      const copy = await bench.place.restore(join(directory, "copy"))
      expect(await copy.read.points.count({})).toBe(await copy.read.snapshots.count({}))
      expect(await copy.examine()).toEqual([])
      await copy.close()
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test("an examination finds what should never be, and names it", async () => {
    const lost = {
      point: point(),
      volume: volume({ state: "in-use" }),
      stands: newId<"snapshot">(),
    }
    const holder = operation({ state: "done" })
    const empty = snapshot({ state: "ready" })
    expect(await bench.ledger.examine()).toEqual([])
    await bench.ledger.transaction(async (rooms) => {
      await rooms.points.add(lost.point)
      await rooms.volumes.add(lost.volume)
      await rooms.operations.enqueue(holder, ["a"])
      await rooms.snapshots.add(empty)
      await rooms.standing.set("source", lost.stands)
    })
    const words = await bench.ledger.examine()
    const named = [holder.id, lost.point.id, empty.id, lost.volume.id, "source"]
    expect(words).toEqual(named.map((id) => expect.stringContaining(id)))
  })
}

async function addPair(ledger: Ledger): Promise<void> {
  const row = snapshot({ state: "ready" })
  await ledger.transaction(async (rooms) => {
    await rooms.snapshots.add(row)
    await rooms.points.add(point({ snapshotId: row.id }))
  })
}
