/** Trackers over restarts of the service: the work goes on, or says that it cannot. On fakes. */
import { afterEach, beforeEach, expect, test } from "vitest"
import { makeFakes } from "../crash/fakes.ts"
import { runningMachine, type Stage } from "../crash/stage.ts"
import { type Making, newWorld, type World } from "../crash/world.ts"
import { iaasFace } from "../fixtures/iaas-house.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

let making: Making
let world: World
let wire: Wire
let stage: Stage
beforeEach(async () => {
  making = await makeFakes()
  world = await newWorld(making)
  await open()
})
afterEach(async () => {
  await wire.close()
  await world.crash()
  await making.dispose()
})

async function open(): Promise<void> {
  const { service, host } = await world.boot()
  stage = { service, host, making, who: await world.admin() }
  wire = await wireTo(iaasFace(), service.core)
}

async function restart(stillMs?: number): Promise<void> {
  await wire.close()
  await world.crash(stillMs)
  await open()
}

const token = "the-administrators-token"
const ask = async (method: string, path: string, body?: object) =>
  (await wire.ask(path, { method, token, ...(body === undefined ? {} : { body }) })).json

async function ended(selfLink: string) {
  let before = 0
  for (;;) {
    const tracker = await ask("GET", selfLink)
    expect(tracker.progress).toBeGreaterThanOrEqual(before)
    if (tracker.status !== "INPROGRESS") return tracker
    before = tracker.progress
    await stage.service.executor.idle()
  }
}

test("work that was begun before a restart is finished after it, under the same tracker", async () => {
  const { machine } = await runningMachine(stage)
  const path = `/iaas/api/machines/${machine}`
  const links: string[] = []
  for (const name of ["a", "b", "c"]) {
    links.push((await ask("POST", `${path}/operations/snapshots`, { name })).selfLink)
  }
  await restart()
  for (const link of links) {
    const tracker = await ended(link)
    expect(tracker).toMatchObject({ status: "FINISHED", progress: 100, selfLink: link })
    expect(tracker.resources[0]).toBe(path)
    expect(await ask("GET", tracker.resources[1])).toHaveProperty("isCurrent")
  }
  expect(await ask("GET", `${path}/snapshots`)).toHaveLength(3)
})

test("work that can no longer be done ends failed, with a reason", async () => {
  const { machine } = await runningMachine(stage)
  const path = `/iaas/api/machines/${machine}`
  const begun = Promise.withResolvers<void>()
  const value = () => {
    begun.resolve()
    return new Promise(() => {})
  }
  Object.defineProperty(stage.host, "captureMemory", { value })
  const wish = { name: "s", snapshotMemory: true }
  const { selfLink } = await ask("POST", `${path}/operations/snapshots`, wish)
  await begun.promise
  // The service ends in the middle of it, and the machine is gone before it is back.
  await stage.service.executor.close(50)
  await stage.host.stop(machine, 0)
  await restart(0)
  const tracker = await ended(selfLink)
  expect(tracker.status).toBe("FAILED")
  expect(tracker.message).toMatch(/off|held still/)
  expect(await ask("GET", `${path}/snapshots`)).toEqual([])
  await restart()
  expect(await ask("GET", selfLink)).toEqual(tracker)
})

test("a refusal is on record, too", async () => {
  const { machine } = await runningMachine(stage)
  const refused = await ask("POST", `/iaas/api/machines/${machine}/operations/suspend`)
  await restart()
  expect(await ask("GET", refused.selfLink)).toEqual(refused)
})
