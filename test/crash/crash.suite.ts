/**
 * THE crash test: for every story, the power fails at every write to the ledger, before it and
 * just after it, and then comes back. Afterwards the operation has ended by itself, what it says
 * is so, and nothing is left over. One line runs it on another making of the world.
 */
import { describe, expect, test } from "vitest"
import { endings } from "../../src/domain/operation.ts"
import type { Host } from "../../src/hosts/host.ts"
import { sagas } from "../../src/operations/registry.ts"
import { audit } from "./audit.ts"
import type { Cut } from "./power-cut.ts"
import { scenarios } from "./scenarios.ts"
import type { Scenario, Stage } from "./stage.ts"
import { ending, type Making, newWorld } from "./world.ts"

export type Sampling = {
  /** Where the power fails, given how many writes 1, 2, 3… there are. */
  cuts(writes: number): Cut[]
  only?(scenario: Scenario): boolean
  timeoutMs: number
}

/** Before and after every write. */
export const everyCut = (writes: number): Cut[] =>
  Array.from({ length: writes }, (_, i) => i + 1).flatMap((atWrite) => [
    { atWrite, when: "before" as const },
    { atWrite, when: "after" as const },
  ])

/** Every operation has a story, or this fails. */
export function everyOperationHasAStory(): void {
  test("every operation there is has a story in which the power fails", () => {
    const told = new Set(scenarios.map((scenario) => scenario.name.split(/[ ,]/)[0]))
    const all = [...sagas.values()].map((saga) => saga.name)
    expect(all.filter((name) => !told.has(name))).toEqual([])
  })
}

export function crashSuite(name: string, make: () => Promise<Making>, sampling: Sampling): void {
  describe(`${name}: wherever the power fails, nothing is lost and nothing is left over`, () => {
    for (const scenario of scenarios.filter(sampling.only ?? (() => true))) {
      test(scenario.name, { timeout: sampling.timeoutMs }, async () => {
        await everywhere(make, scenario, sampling.cuts)
      })
    }
  })
}

/** Plays one story to its end, and then with every power cut asked for. */
export async function everywhere(
  make: () => Promise<Making>,
  scenario: Scenario,
  cuts: Sampling["cuts"],
): Promise<void> {
  const writes = await once(make, scenario, undefined)
  expect(writes).toBeGreaterThan(0)
  for (const cut of cuts(writes)) await once(make, scenario, cut)
}

/** Plays one story with one power cut (or none, to count its writes). */
async function once(
  make: () => Promise<Making>,
  scenario: Scenario,
  cut: Cut | undefined,
): Promise<number> {
  const making = await make()
  const world = await newWorld(making)
  try {
    const before = await world.boot()
    const who = await world.admin()
    const scene = await scenario.arrange({ ...before, making, who } as Stage)
    await before.service.executor.idle()
    await world.crash()

    const previous = await newestOperation(making)
    const during = await world.boot(cut ?? { atWrite: Number.MAX_SAFE_INTEGER, when: "before" })
    failing(during.host, scenario.hostFails)
    during.power?.start()
    const started = scenario.act({ ...during, making, who } as Stage, scene).then(
      (result) => ending(during.service, making.ledger, result).then(() => undefined),
      () => undefined,
    )
    await Promise.race([started, during.power?.dark])
    const writes = during.power?.writes() ?? 0
    const wentDark = during.power?.wentDark() ?? false
    if (cut !== undefined) expect(wentDark, `write ${cut.atWrite} never came`).toBe(true)
    await world.crash()

    const after = await world.boot()
    if (wentDark) failing(after.host, scenario.hostFails)
    await after.service.executor.idle()
    const last = await newestOperation(making)
    const wasAccepted = last !== undefined && last.id !== previous?.id
    try {
      if (wasAccepted) {
        expect(endings, `${last.kind} is ${last.state}: ${last.reason}`).toContain(last.state)
        expect(last.state).not.toBe("stuck")
        await scenario.check({ ...after, making, who } as Stage, scene, last.state as "done")
      }
      await audit({ ...after, making, who } as Stage)
    } catch (cause) {
      const where =
        cut === undefined ? "without a power cut" : `cut ${cut.when} write ${cut.atWrite}`
      throw new Error(`${scenario.name}, ${where}: ${String(cause)}`, { cause })
    }
    await world.crash()
    return writes
  } finally {
    await making.dispose()
  }
}

async function newestOperation({ ledger }: Making) {
  const [last] = await ledger.read.operations.find({}, { limit: 1, order: "newest-first" })
  return last
}

function failing(host: Host, verb: keyof Host | undefined): void {
  if (verb === undefined) return
  Object.defineProperty(host, verb, {
    value: async () => {
      throw new Error(`${String(verb)} was made to fail`)
    },
  })
}
