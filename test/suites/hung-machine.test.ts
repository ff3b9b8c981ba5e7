/** A guest that a snapshot holds and whose process hangs: nothing helps but another process. */
import { pino } from "pino"
import { expect, test } from "vitest"
import { hungMachines, letOverdueGo, tendLost } from "../../src/machines.ts"
import { runningMachine } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const log = pino({ level: "silent" })

test("it is started again once it did not answer for a minute, and its owner is told", async () => {
  const { machine } = await runningMachine(house.stage)
  const { host, making, service, who } = house.stage
  const { ledger } = making
  const held = { operationId: (await ledger.read.operations.find({}))[0]?.id as never, until: 0 }
  await ledger.transaction((rooms) => rooms.machines.change(machine, { held }))
  const row = await ledger.read.machines.get(machine)
  const around = { ledger, node: row?.node ?? "", hosts: [host] }

  let nowMs = 1_000_000
  let answers = false
  const look = host.look.bind(host)
  Object.defineProperty(host, "look", {
    value: async (id: never) => (answers ? await look(id) : "hung"),
  })
  const started: string[] = []
  const hangs = hungMachines({ ledger, clock: () => nowMs }, async ({ id }) => {
    started.push(id)
    answers = true
    await service.core.machines.start({ who }, id)
    await service.executor.idle()
  })
  const tend = async (afterMs: number) => {
    nowMs += afterMs
    await letOverdueGo(around, nowMs, log, hangs)
  }
  for (let at = 0; at < 12; at += 1) await tend(5_000)
  expect(started).toEqual([])
  await tend(5_000)
  expect(started).toEqual([machine])
  await tend(5_000)
  expect(right(await service.core.machines.get(who, machine))).toMatchObject({
    state: "running",
    held: null,
  })
  const told = await ledger.read.events.after(0, null, 1_000)
  expect(told.map(({ type }) => type)).toContain("machine.hung")
})

test("one that answered in between is given its time anew", async () => {
  const { machine } = await runningMachine(house.stage)
  const { ledger } = house.stage.making
  const row = await ledger.read.machines.get(machine)
  if (row === undefined) throw new Error("no machine")
  let nowMs = 0
  const started: string[] = []
  const hangs = hungMachines({ ledger, clock: () => nowMs }, async ({ id }) => started.push(id))
  for (const atMs of [0, 10_000, 20_000, 90_000, 100_000, 140_000]) {
    nowMs = atMs
    await hangs.told(row)
  }
  expect(started).toEqual([])
})

test("one that seems lost on and off is left alone, and one that is lost for a minute is not", async () => {
  const { machine } = await runningMachine(house.stage)
  const { host, making } = house.stage
  const { ledger } = making
  const row = await ledger.read.machines.get(machine)
  const around = { ledger, node: row?.node ?? "", hosts: [host] }
  let nowMs = 0
  let lost = true
  Object.defineProperty(host, "lost", { value: async () => lost })
  const started: string[] = []
  const hangs = hungMachines({ ledger, clock: () => nowMs }, async ({ id }) => started.push(id))
  const tend = async () => {
    nowMs += 5_000
    await tendLost(around, hangs)
  }
  for (let at = 0; at < 40; at += 1) {
    lost = at % 3 !== 0
    await tend()
  }
  expect(started).toEqual([])
  lost = true
  for (let at = 0; at < 13; at += 1) await tend()
  expect(started).toEqual([machine])
})
