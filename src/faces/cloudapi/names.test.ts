import { describe, expect, test } from "vitest"
import type { SnapshotId } from "../../domain/ids.ts"
import type { SnapshotState } from "../../domain/snapshot.ts"
import { keeperOf, nameRule, shownNames, stampName } from "./names.ts"

const idOf = (at: number) =>
  `0193${`${at}`.padStart(4, "0")}-0000-7000-8000-00000000000a` as SnapshotId
const snapshot = (at: number, name: string, state: SnapshotState = "ready") => ({
  id: idOf(at),
  name,
  state,
})
const namesOf = (...snapshots: ReturnType<typeof snapshot>[]) => {
  const names = shownNames(snapshots)
  return snapshots.map(({ id }) => names.get(id))
}

test.each(["a", "just-booted", "20170116T180245Z", "a_b.c:d%e", ".a", "...", "x".repeat(64)])(
  "%s is a name",
  (name) => {
    expect(nameRule.pattern.test(name)).toBe(true)
  },
)
test.each(["", "a b", "a/b", "a@b", "é", "x".repeat(65), "a\n", ".", ".."])(
  "%j is none",
  (name) => {
    expect(nameRule.pattern.test(name)).toBe(false)
  },
)

describe("names from elsewhere", () => {
  test("one that fits is left alone", () => {
    expect(namesOf(snapshot(1, "fine"), snapshot(2, "also-fine"))).toEqual(["fine", "also-fine"])
  })

  test("one that does not is dressed, and always in the same way", () => {
    const odd = snapshot(1, "before the/big @ upgrade")
    expect(namesOf(odd)).toEqual(["before_the_big_upgrade-01930001"])
    expect(namesOf(snapshot(7, "x"), odd)).toEqual(["x", "before_the_big_upgrade-01930001"])
  })

  test("of several alike the oldest keeps the name, wherever it stands in the list", () => {
    const all = [snapshot(3, "same"), snapshot(1, "same"), snapshot(2, "same")]
    expect(namesOf(...all)).toEqual(["same-01930003", "same", "same-01930002"])
    expect(keeperOf("same", all)?.id).toBe(idOf(1))
  })

  test("one that failed leaves its name to whoever tried again", () => {
    const all = [snapshot(1, "a", "failed"), snapshot(2, "a"), snapshot(3, "b", "failed")]
    expect(namesOf(...all)).toEqual(["a-01930001", "a", "b"])
    const failed = [snapshot(1, "a", "failed"), snapshot(2, "a", "failed")]
    expect(namesOf(...failed)).toEqual(["a-01930001", "a"])
    expect(keeperOf("a", failed)?.id).toBe(idOf(2))
  })

  test("nobody is dressed as somebody else", () => {
    const twins = ["0193aaaa-1111-7000-8000-000000000001", "0193aaaa-2222-7000-8000-000000000002"]
    const all = [
      { id: idOf(1), name: "a_b-0193aaaa", state: "ready" as const },
      ...twins.map((id) => ({ id: id as SnapshotId, name: "a b", state: "ready" as const })),
    ]
    expect(namesOf(...all)).toEqual(["a_b-0193aaaa", "a_b-0193aaaa1111", "a_b-0193aaaa2222"])
    expect(new Set(shownNames(all).values()).size).toBe(3)
  })

  test("a dressed name keeps the rule, however long or strange the name was", () => {
    const names = namesOf(snapshot(1, "y".repeat(255)), snapshot(2, "日本"), snapshot(3, ""))
    expect(names.every((name) => name !== undefined && nameRule.pattern.test(name))).toBe(true)
    expect(names[1]).toBe("_-01930002")
    expect(names[2]).toBe("snapshot-01930003")
    expect(namesOf(snapshot(4, ".."))).toEqual(["..-01930004"])
  })
})

test("a name by default is the time in UTC", () => {
  expect(stampName(Date.UTC(2017, 0, 16, 18, 2, 45, 678))).toBe("20170116T180245Z")
})
