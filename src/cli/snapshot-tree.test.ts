import { expect, test } from "vitest"
import type { Snapshot } from "./resources.ts"
import { drawForest, plantForest } from "./snapshot-tree.ts"

const now = Date.parse("2030-01-02T00:00:00Z")
const snapshot = (name: string, hour: number, parentId: string | null, more = {}): Snapshot => ({
  id: name,
  name,
  state: "ready",
  source: { kind: "machine", id: "web" },
  parentId,
  points: [],
  consistency: { label: "crash" },
  bytes: { exclusive: 0, shared: 0 },
  recovery: false,
  current: false,
  createdAt: `2030-01-01T${String(hour).padStart(2, "0")}:00:00Z`,
  ...more,
})

test("a revert shows as a branch, oldest first", () => {
  const drawn = drawForest(
    plantForest([
      snapshot("after", 5, "base"),
      snapshot("base", 1, null),
      snapshot("broken", 4, "upgrade", { recovery: true }),
      snapshot("upgrade", 2, "base", { consistency: { label: "filesystem" } }),
      snapshot("half", 6, "after", { state: "creating", consistency: null }),
    ]),
    now,
  )
  expect(drawn).toBe(
    [
      "machine web",
      "`-- base  (crash, 23 h)",
      "    |-- upgrade  (filesystem, 22 h)",
      "    |   `-- broken  (crash, kept by a revert, 20 h)",
      "    `-- after  (crash, 19 h)",
      "        `-- half  (creating, 18 h)",
      "",
    ].join("\n"),
  )
})

test("each source has its own tree; one whose parent is gone stands on its own", () => {
  const forest = plantForest([
    snapshot("orphan", 3, "deleted"),
    snapshot("other", 2, null, { source: { kind: "volume", id: "data" } }),
  ])
  expect(drawForest(forest, now)).toBe(
    "volume data\n`-- other  (crash, 22 h)\n\nmachine web\n`-- orphan  (crash, 21 h)\n",
  )
})
