/** What a machine comes back with: its hardware, its memory, and what it had until then. */
import { describe, expect, test } from "vitest"
import type { Started } from "../../src/core/core.ts"
import type { Result } from "../../src/domain/fault.ts"
import type { MachineId } from "../../src/domain/ids.ts"
import { changedMachine, done, recoveryOf, runningMachine } from "../crash/stage.ts"
import { ending, right } from "../crash/world.ts"
import { houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core } = house
const asking = () => ({ who: house.stage.who })

const machineOf = async (id: MachineId) => right(await core().machines.get(house.stage.who, id))

const endOf = async (started: Result<Started<unknown>>) =>
  await ending(house.stage.service, house.stage.making.ledger, started)

describe("a machine that goes back", () => {
  test("and then to what the revert had replaced has the hardware of each", async () => {
    const { machine, snapshot } = await changedMachine(house.stage)
    const resized = { memoryMiB: 512, cpus: 2, restart: true }
    await done(house.stage, core().machines.resize(asking(), machine, resized))
    await done(house.stage, core().machines.revert(asking(), machine, { snapshotId: snapshot }))
    expect((await machineOf(machine)).hardware).toMatchObject({ memoryMiB: 256, cpus: 1 })
    const recovery = { snapshotId: await recoveryOf(house.stage) }
    await done(house.stage, core().machines.revert(asking(), machine, recovery))
    expect((await machineOf(machine)).hardware).toMatchObject({ memoryMiB: 512, cpus: 2 })
    expect(await house.stage.making.peek(house.stage.host, machine, 1)).toBe("two")
  })

  test("has the hardware that it had when the snapshot was taken, not when it was asked for", async () => {
    const { machine } = await runningMachine(house.stage)
    const source = { kind: "machine", id: machine } as const
    const larger = { memoryMiB: 512, restart: true }
    const resizing = await core().machines.resize(asking(), machine, larger)
    const taken = right(await core().snapshots.create(asking(), { name: "s", source }))
    const wish = { snapshotId: taken.resource.id }
    await done(house.stage, core().machines.revert(asking(), machine, wish))
    expect((await endOf(resizing)).state).toBe("done")
    expect((await machineOf(machine)).hardware.memoryMiB).toBe(512)
  })
})

describe("a revert that was asked for before its snapshot with memory was there", () => {
  const taken = async (machine: MachineId) => {
    const wish = { name: "s", source: { kind: "machine", id: machine }, memory: true } as const
    return right(await core().snapshots.create(asking(), wish)).resource.id
  }

  test.each(["as-before", "as-kept"] as const)("%s, goes on from the memory", async (andThen) => {
    const { making, host } = house.stage
    const { machine } = await runningMachine(house.stage)
    await making.remember(host, machine, "then")
    const snapshotId = await taken(machine)
    // biome-ignore lint/suspicious/noThenProperty: a word of the core; its value is no function
    const wish = { snapshotId, then: andThen }
    await done(house.stage, core().machines.revert(asking(), machine, wish))
    expect(await making.recall(host, machine)).toBe("then")
    expect((await machineOf(machine)).state).toBe("running")
  })

  test("says so, and leaves the machine off, where it came to be without", async () => {
    const { machine } = await runningMachine(house.stage)
    const stopping = await core().machines.stop(asking(), machine, { hard: true })
    const snapshotId = await taken(machine)
    const reverting = await core().machines.revert(asking(), machine, { snapshotId })
    expect((await endOf(reverting)).state).toBe("done")
    expect((await endOf(stopping)).state).toBe("done")
    expect((await machineOf(machine)).state).toBe("stopped")
    const { message } = right(
      await core().operations.get(house.stage.who, right(reverting).operation.id),
    )
    expect(message).toContain("came to be without memory")
  })
})
