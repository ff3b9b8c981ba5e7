/** The ledger is lost; what was on disk is found again, in a new one. */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { ledgers } from "../../src/ledger/registry.ts"
import { rebuildLedger } from "../../src/rebuild.ts"
import { audit } from "../crash/audit.ts"
import { makeReal } from "../crash/real.ts"
import { contentOf, done, type Stage, snapshotContent, snapshottedVolume } from "../crash/stage.ts"
import { type Making, newWorld, right } from "../crash/world.ts"

let making: Making
let file: string

const rebuild = async () => {
  const { qcow2: engine } = await making.openEngines()
  if (engine === undefined) throw new Error("no engine")
  const open = () => ledgers.sqlite(file)
  const adminToken = "the-administrators-token"
  await rebuildLedger({ ledgerFile: file, open, engineName: "qcow2", engine, adminToken, say() {} })
}

beforeEach(async () => {
  making = await makeReal()
  file = join(making.dataDir, "ledger.db")
})

afterEach(async () => {
  making = { ...making, ledger: await ledgers.sqlite(file) }
  await making.ledger.close()
  await rm(making.dataDir, { recursive: true })
})

test("every disk and every point is there again, bit for bit, and nothing is wrong", async () => {
  const before = await newWorld(making)
  const stage = { ...(await before.boot()), making, who: await before.admin() } as Stage
  const { snapshot } = await snapshottedVolume(stage)
  const wish = { name: "clone", snapshotId: snapshot }
  await done(stage, stage.service.core.volumes.create({ who: stage.who }, wish))
  await before.crash()
  await making.ledger.close()
  await writeFile(file, "this was a database")
  await rebuild()

  making = { ...making, ledger: await ledgers.sqlite(file) }
  const after = await newWorld(making)
  const again = { ...(await after.boot()), making, who: await after.admin() } as Stage
  const volumes = right(await again.service.core.volumes.list(again.who, { limit: 10 }))
  const contents = await Promise.all(volumes.map(({ id }) => contentOf(again, id)))
  expect(contents.sort()).toEqual(["new", "old"])
  const snapshots = right(await again.service.core.snapshots.list(again.who, { limit: 10 }))
  const kept = []
  for (const { id } of snapshots) kept.push(await snapshotContent(again, id))
  expect(kept).toContain("old")
  await audit(again)
  await after.crash()
  await making.ledger.close()
})

test("a ledger that works is left alone", async () => {
  const world = await newWorld(making)
  const stage = { ...(await world.boot()), making, who: await world.admin() } as Stage
  await snapshottedVolume(stage)
  await world.crash()
  await making.ledger.close()
  await expect(rebuild()).rejects.toThrow("is sound")
})
