/** What is old enough leaves the record by itself. On fakes, so quick. */
import { expect, test } from "vitest"
import { MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const day = 86_400_000
const house = houseForEachTest({ failedMs: 3_600_000 })
const { core, volumeOf } = house

/** As if it had ended so long ago. */
const age = (id: string, ms: number, patch: object = {}) =>
  house.stage.making.ledger.transaction((rooms) =>
    rooms.operations.change(id, { endedAt: Date.now() - ms, ...patch }),
  )

test("operations that ended long ago go with their logs; stuck ones wait for a person", async () => {
  const { who } = house.stage
  const { read } = house.stage.making.ledger
  for (const name of ["a", "b", "c"]) await volumeOf(who, name)
  const [old, young, stuck] = (await read.operations.find({})).map(({ id }) => id)
  await age(old ?? "", 2 * day)
  await age(young ?? "", day / 2)
  await age(stuck ?? "", 100 * day, { state: "stuck" })
  await house.stage.service.tidyUp()
  expect((await read.operations.find({})).map(({ id }) => id)).toEqual([young, stuck])
  expect(faultOf(await core().operations.get(who, old as never))).toBe("not-found")
  expect(await read.operations.log(old as never)).toEqual([])
})

test("many go at once", async () => {
  const { who } = house.stage
  const { ledger } = house.stage.making
  await volumeOf(who)
  const [pattern] = await ledger.read.operations.find({})
  if (pattern === undefined) throw new Error("no operation")
  const endedAt = Date.now() - 2 * day
  await ledger.transaction(async (rooms) => {
    for (let n = 0; n < 500; n++) {
      const id = pattern.id.replace(/.{6}$/, String(n).padStart(6, "0")) as typeof pattern.id
      await rooms.operations.add({ ...pattern, id, endedAt })
    }
  })
  await house.stage.service.tidyUp()
  expect(await ledger.read.operations.count({})).toBe(1)
})

test("a request that may still be repeated keeps its operation", async () => {
  const { who } = house.stage
  const repeat = { key: "k", requestHash: "h" }
  const wish = { name: "v", sizeBytes: MiB }
  const first = right(await core().volumes.create({ who, repeat }, wish))
  await house.stage.service.executor.idle()
  await age(first.operation.id, day - 60_000)
  await house.stage.service.tidyUp()
  const again = right(await core().volumes.create({ who, repeat }, wish))
  expect(again).toMatchObject({ replayed: true, operation: { id: first.operation.id } })
})

test("a token whose time is over is forgotten", async () => {
  const alice = await house.member("alice")
  const { ledger } = house.stage.making
  const [token, other] = await ledger.read.tokens.find({ userId: alice.userId })
  await ledger.transaction((rooms) =>
    rooms.tokens.change(token?.id ?? "", { expiresAt: Date.now() - 1 }),
  )
  await house.stage.service.tidyUp()
  expect(await ledger.read.tokens.find({ userId: alice.userId })).toEqual([other])
})
