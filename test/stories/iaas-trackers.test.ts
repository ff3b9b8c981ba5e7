/** Trackers in lists: as each is told alone, and at no more than a list may cost. On fakes. */
import { expect, test, vi } from "vitest"
import { right } from "../crash/world.ts"
import { iaasForEachTest } from "../fixtures/iaas-house.ts"

const iaas = iaasForEachTest()

test("a list asks for the points of all its snapshots at once, and for no bytes", async () => {
  const alice = await iaas.tenant("alice")
  const disk = await iaas.disk(alice)
  const take = () => alice.ask("POST", `${disk}/operations/snapshots`, { body: {} })
  const taken: string[] = []
  for (let n = 0; n < 3; n++) taken.push(await iaas.done(alice, await take()))
  await iaas.done(alice, await alice.ask("DELETE", taken[0] ?? ""))
  const { snapshots } = iaas.house.core()
  const [looked, listed] = [vi.spyOn(snapshots, "get"), vi.spyOn(snapshots, "points")]
  const { json } = await alice.ask("GET", "/iaas/api/request-tracker")
  expect(looked).not.toHaveBeenCalled()
  expect(listed).toHaveBeenCalledOnce()
  const resources = json.content.map((each: { resources: string[] }) => each.resources)
  expect(resources).toEqual([[disk], [disk, taken[2]], [disk, taken[1]], [disk], [disk]])
  for (const each of json.content) {
    expect((await alice.ask("GET", each.selfLink)).json).toEqual(each)
  }
})

test("the administrator finds by its id what is of somebody's machine or disk, too", async () => {
  const alice = await iaas.tenant("alice")
  const [machine, disk] = [await iaas.machine(alice), await iaas.disk(alice)]
  const { identity } = iaas.house.core()
  const { token } = right(await identity.issueToken(iaas.house.stage.who, { livesMs: 3_600_000 }))
  for (const path of [machine, disk]) {
    const taken = await alice.ask("POST", `${path}/operations/snapshots`, { body: {} })
    const snapshot = await iaas.done(alice, taken)
    const seen = await iaas.ask("GET", `${path}/snapshots`, { token })
    expect(seen.json).toEqual((await alice.ask("GET", `${path}/snapshots`)).json)
    expect((await iaas.ask("GET", snapshot, { token })).json).toEqual(seen.json[0])
    const own = await iaas.ask("GET", `/iaas/api/request-tracker/${taken.json.id}`, { token })
    expect(own.json.resources).toEqual([path, snapshot])
  }
})
