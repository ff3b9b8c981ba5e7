import { describe, expect, test } from "vitest"
import { operation } from "../../../../test/fixtures/scripted-core.ts"
import type { Operation } from "../../../domain/operation.ts"
import { isAudited, newestFirst, renderEntry } from "./audit.ts"

const second = Date.UTC(2026, 0, 2, 3, 4, 5)
const ended = (patch: Partial<Operation>): Operation => ({
  ...operation,
  kind: "snapshot-delete",
  state: "done",
  createdAt: second + 400,
  endedAt: second + 9000,
  ...patch,
})
const timeOf = (one: Operation) => Date.parse(renderEntry(one).time)

describe("the time of an entry", () => {
  test("is that of the end", () => {
    expect(renderEntry(ended({})).time).toBe("2026-01-02T03:04:14.000Z")
  })

  test.each([0, 1, 400, 999])(
    "is later than the Date of the reply, of whole seconds, for work of no time at %d ms",
    (ms) => {
      const quick = ended({ createdAt: second + ms, endedAt: second + ms })
      expect(timeOf(quick)).toBeGreaterThan(second)
      // A reply that was on its way when the second ended, or passed a proxy.
      expect(timeOf(quick)).toBeGreaterThan(second + 1000)
      expect(timeOf(quick)).toBeLessThan(second + 2000)
    },
  )

  test("keeps the order in which work ended", () => {
    const all = [
      ended({ createdAt: second, endedAt: second + 100 }),
      ended({ createdAt: second + 300, endedAt: second + 900 }),
      ended({ createdAt: second + 950, endedAt: second + 4000 }),
    ]
    const sorted = [all[1], all[0], all[2]].flatMap((one) => one ?? []).sort(newestFirst)
    expect(sorted).toEqual([...all].reverse())
  })
})

test("who did it is told as far as it is known", () => {
  const caller = (given: Operation["caller"]) => renderEntry(ended({ caller: given })).caller
  const address = "192.0.2.1"
  expect(caller(null)).toEqual({ type: "operator" })
  expect(caller({ face: "cloudapi", address, key: "/mark/keys/a" })).toEqual({
    type: "signature",
    ip: address,
    keyId: "/mark/keys/a",
  })
  expect(caller({ face: "iaas", address, key: null })).toEqual({ type: "token", ip: address })
})

test("what has not ended, or has no word here, is left out", () => {
  expect(isAudited(ended({}))).toBe(true)
  expect(isAudited(ended({ state: "undone" }))).toBe(true)
  expect(renderEntry(ended({ state: "undone" })).success).toBe("no")
  expect(isAudited(ended({ state: "running" }))).toBe(false)
  expect(isAudited(ended({ kind: "upkeep" }))).toBe(false)
})
