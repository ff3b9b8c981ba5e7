/** What the executor makes of an operation that is given up, whichever step it is in. */
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId, type OperationId } from "../../src/domain/ids.ts"
import type { Operation } from "../../src/domain/operation.ts"
import type { Ledger } from "../../src/ledger/ledger.ts"
import { ledgers } from "../../src/ledger/registry.ts"
import { type Executor, openExecutor } from "../../src/operations/executor.ts"
import { type AnySaga, canGoBack, saga } from "../../src/operations/saga.ts"
import type { Tools } from "../../src/operations/tools.ts"

/** What happened, in order; a step waits at the gate of its name, if there is one. */
let story: string[]
let gates: Record<string, PromiseWithResolvers<void>>
let ledger: Ledger
let executor: Executor

const seen = (words: string, { signal }: Tools) =>
  void story.push(signal.aborted ? `${words}, aborted` : words)
const pass = async (name: string, tools: Tools, minds: boolean) => {
  seen(name, tools)
  const aborted = Promise.withResolvers<never>()
  if (minds) tools.signal.addEventListener("abort", () => aborted.reject(tools.signal.reason))
  await Promise.race([gates[name]?.promise, aborted.promise])
  seen(`${name} ends`, tools)
}
const tale = saga<Tools, object>("tale", 1)
  .step("first", {
    do: (tools) => pass("first", tools, true),
    undo: async (tools) => seen("first undone", tools),
  })
  .step("second", {
    do: (tools) => pass("second", tools, false),
    undo: async (tools) => seen("second undone", tools),
  })
  .step("last", { forwardOnly: true, do: (tools) => pass("last", tools, true) })

const open = () =>
  openExecutor({
    ledger,
    node: "here",
    sagas: new Map([["tale@1", tale as unknown as AnySaga]]),
    toolsFor: () => ({}) as never,
    clock: Date.now,
    concurrency: 2,
    leaseMs: 60_000,
    retryMs: [],
    log: (_level, message) => story.push(message),
  })

beforeEach(async () => {
  story = []
  gates = {}
  ledger = await ledgers.sqlite(":memory:")
  executor = open()
})
afterEach(async () => {
  for (const gate of Object.values(gates)) gate.resolve()
  await executor.close(1000)
  await ledger.close()
})

async function begin(patch: Partial<Operation> = {}): Promise<OperationId> {
  const operation: Operation = {
    id: newId<"operation">(),
    kind: "tale",
    version: 1,
    accountId: newId<"account">(),
    userId: null,
    node: "here",
    state: "queued",
    params: {},
    targetKind: "volume",
    targetId: "v",
    subjectId: "v",
    caller: null,
    progress: 0,
    message: "",
    reason: null,
    fault: null,
    reservedBytes: 7,
    cancelled: false,
    dismissed: false,
    fence: 0,
    leaseUntil: 0,
    createdAt: 1,
    startedAt: null,
    endedAt: null,
    ...patch,
  }
  await ledger.transaction((rooms) => rooms.operations.enqueue(operation, ["v"]))
  executor.wake()
  return operation.id
}
const gate = (name: string) => {
  const made = Promise.withResolvers<void>()
  gates[name] = made
  return made
}
const reaches = (words: string) => expect.poll(() => story).toContain(words)
const endOf = async (id: OperationId) => {
  await executor.idle()
  return await ledger.read.operations.get(id)
}
const undone = { state: "undone", reason: "cancelled", fault: null, reservedBytes: 0 }

describe("an operation that is given up", () => {
  test("in a step that minds is undone at once; undoing is not cut short", async () => {
    gate("first")
    const id = await begin()
    await reaches("first")
    executor.cancel(id)
    expect(await endOf(id)).toMatchObject(undone)
    expect(story).toEqual(["first", "first undone"])
  })

  test("in a step that does not mind is undone when the step is over", async () => {
    const second = gate("second")
    const id = await begin()
    await reaches("second")
    executor.cancel(id)
    second.resolve()
    expect(await endOf(id)).toMatchObject(undone)
    const end = ["second ends, aborted", "second undone", "first undone"]
    expect(story).toEqual(["first", "first ends", "second", ...end])
    const log = (await ledger.read.operations.log(id)).map(({ step, event }) => `${step} ${event}`)
    expect(log).toEqual([
      "first done",
      "second started",
      "second failed",
      "second undone",
      "first undone",
    ])
  })

  test("past its point of no return goes on, and sees nothing of it", async () => {
    const last = gate("last")
    const id = await begin()
    await reaches("last")
    executor.cancel(id)
    last.resolve()
    expect(await endOf(id)).toMatchObject({ state: "done", reservedBytes: 0 })
    expect(story.slice(-2)).toEqual(["last", "last ends"])
  })

  test("before it was claimed begins nothing", async () => {
    const id = await begin({ cancelled: true })
    expect(await endOf(id)).toMatchObject(undone)
    expect(story).toEqual(["first undone"])
  })

  test("while nobody worked on it is undone by who claims it next", async () => {
    gate("second")
    const id = await begin()
    await reaches("second")
    await executor.close(0)
    await ledger.transaction((rooms) => rooms.operations.change(id, { cancelled: true }))
    await ledger.expireLeases("here")
    story = []
    executor = open()
    executor.wake()
    await expect.poll(async () => await endOf(id)).toMatchObject(undone)
    expect(story).toEqual(["second undone", "first undone"])
  })

  test("while nobody worked on it, past its point of no return, is finished", async () => {
    const last = gate("last")
    const id = await begin()
    await reaches("last")
    await executor.close(0)
    await ledger.transaction((rooms) => rooms.operations.change(id, { cancelled: true }))
    await ledger.expireLeases("here")
    last.resolve()
    executor = open()
    executor.wake()
    await expect.poll(async () => await endOf(id)).toMatchObject({ state: "done" })
  })
})

test("a stopping service is no cancellation: the operation is left where it is", async () => {
  gate("first")
  const id = await begin()
  await reaches("first")
  await executor.close(1000)
  expect(await ledger.read.operations.get(id)).toMatchObject({ state: "running", reason: null })
  expect(story).toEqual(["first"])
})

test("everything can be taken back until a step begins that cannot", () => {
  const started = (step: string) => ({ step, event: "started" }) as const
  const any = tale as unknown as AnySaga
  expect(canGoBack(any, [])).toBe(true)
  expect(canGoBack(any, [started("second")])).toBe(true)
  expect(canGoBack(any, [started("second"), started("last")])).toBe(false)
  const gone = saga<Tools, object>("gone", 1).step("go", { forwardOnly: true })
  expect(canGoBack(gone as unknown as AnySaga, [])).toBe(false)
})
