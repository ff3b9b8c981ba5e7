/** Playing with random trees finds bugs: each of these is planted, and it must not pass. */
import { open } from "node:fs/promises"
import { describe, expect, test } from "vitest"
import type { Rig } from "../../src/engines/engine-rig.suite.ts"
import { memoryRig, powerlessRig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import {
  files,
  forgottenOpener,
  headerTrusted,
  objects,
  punchedForOne,
  removedTooEarly,
  type Storage,
  wrongParent,
} from "../property/planted.ts"
import { play } from "../property/play.ts"

type Planted = { bug: string; plant(rig: Storage): Rig; only: string[]; tells: RegExp }

const growing = ["create", "series", "write", "open", "drop a point", "check all"]

const planted: readonly Planted[] = [
  {
    bug: "a layer that goes before the commit",
    plant: removedTooEarly,
    only: [...growing, "carry out upkeep"],
    tells: /gone|No such file|deleted/,
  },
  {
    bug: "a new layer on the wrong parent",
    plant: wrongParent,
    only: [...growing, "carry out upkeep"],
    tells: /reads wrong|names .* instead of/,
  },
  {
    bug: "an opener that is forgotten",
    plant: forgottenOpener,
    only: [...growing, "carry out upkeep"],
    tells: /has .* open/,
  },
  {
    bug: "bytes given back that another still reads",
    plant: punchedForOne,
    only: [...growing, "clone"],
    tells: /reads wrong/,
  },
]

const limits = { softDepth: 8, hardDepth: 12 }

describe.each(planted)("$bug does not pass", { timeout: 600_000 }, ({ plant, ...rest }) => {
  test("on objects", () => expectFound(async () => plant(objects(await memoryRig())), rest))
  test("on files", () => expectFound(async () => plant(files(await qcow2Rig())), rest))
})

test("a header that is trusted does not pass", { timeout: 600_000 }, () =>
  expectFound(async () => headerTrusted(await qcow2Rig()), {
    only: [...growing, "carry out upkeep"],
    tells: /has .* open/,
  }),
)

async function neverSynced(): Promise<void> {
  const file = await open("/dev/null")
  const handle = Object.getPrototypeOf(file) as { sync(): Promise<void>; datasync(): Promise<void> }
  await file.close()
  const { sync, datasync } = handle
  Object.assign(handle, { sync: async () => {}, datasync: async () => {} })
  try {
    await expectFound(powerlessRig, {
      only: [...growing, "snapshot", "carry out upkeep", "restart", "crash"],
      tells: /reads wrong|ENOENT|missing|No such file|is no layer|not in qcow2/,
    })
  } finally {
    Object.assign(handle, { sync, datasync })
  }
}

// Mounting a small file system is root's privilege.
if (process.getuid?.() === 0) {
  test("files that are on disk only soon do not pass", { timeout: 600_000 }, neverSynced)
}

/** By one of a few seeds, and for the right reason. */
async function expectFound(
  make: () => Promise<Rig>,
  { only, tells }: Pick<Planted, "only" | "tells">,
): Promise<void> {
  for (let seed = 1; seed <= 10; seed++) {
    const game = { make: limited(make), seed, steps: 100, only, shorten: 0 }
    const cause = await play(game).then(
      () => null,
      (found: Error) => found.cause,
    )
    if (cause === null) continue
    expect(String(cause)).toMatch(tells)
    return
  }
  throw new Error("it passed")
}

const limited = (make: () => Promise<Rig>) => async () => {
  const rig = await make()
  await rig.limit(limits)
  return rig
}
