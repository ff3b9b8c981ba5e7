/** How stubborn the executor is with what cannot be taken back. */
import { expect, test } from "vitest"
import { type Outcome, stubborn } from "./outcome.ts"

const failing = (fault: Extract<Outcome, { ok: false }>["fault"]): Outcome => ({
  ok: false,
  reason: "no",
  fault,
})
const full = failing({ kind: "no-space", neededBytes: 1, freeBytes: 0 })
const done: Outcome = { ok: true, value: "done" }

function attempts(outcomes: readonly Outcome[], signal = new AbortController().signal) {
  const left = [...outcomes]
  const said: string[] = []
  const options = { retryMs: [0, 1], log: (_: string, message: string) => said.push(message) }
  const claim = { operation: { id: "the operation", kind: "snapshot-delete" } }
  const run = { claim, options, signal } as unknown as Parameters<typeof stubborn>[0]
  return { left, said, outcome: stubborn(run, async () => left.shift() ?? done) }
}

test("what fails again and again is given up", async () => {
  const { left, outcome } = attempts(Array.from({ length: 9 }, () => failing(null)))
  expect(await outcome).toEqual(failing(null))
  expect(left).toHaveLength(6)
})

test("a full disk is waited for", async () => {
  const { left, said, outcome } = attempts(Array.from({ length: 9 }, () => full))
  expect(await outcome).toEqual(done)
  expect(said).toEqual(["an operation waits for space"])
  expect(left).toEqual([])
})

test("nobody waits for a disk any more when the service stops", async () => {
  const stopped = AbortSignal.abort(new Error("stopping"))
  await expect(attempts([full, full], stopped).outcome).rejects.toThrow()
})
