/**
 * THE crash test: for every story, at every write to the ledger, before it and just after it, the
 * power of the service fails and comes back, or the machines and storage daemons that it works with
 * are killed, or both, or the operation is given up. Afterwards the operation has ended by itself, what it says is so, and
 * nothing is left over. One line runs it on another making of the world.
 */
import { describe, expect, test } from "vitest"
import { endings } from "../../src/domain/operation.ts"
import type { Host } from "../../src/hosts/host.ts"
import { sagas } from "../../src/operations/registry.ts"
import { audit } from "./audit.ts"
import type { Cut } from "./power-cut.ts"
import { scenarios } from "./scenarios.ts"
import { runningNow, type Scenario, type Stage, switchOnAgain } from "./stage.ts"
import { ending, type Making, newWorld } from "./world.ts"

export type Sampling = {
  /** Where somebody dies, given how many writes 1, 2, 3… there are. */
  cuts(writes: number, scenario: Pick<Scenario, "boots" | "name">): Cut[]
  only?(scenario: Scenario): boolean
  timeoutMs: number
}

/**
 * Before and after every write the service dies; at some the operation is given up; and at every
 * write processes die, alone or with the service. Where there is no machine there are none, but for
 * storage daemons.
 */
export const everyCut: Sampling["cuts"] = (writes, { boots, name }) =>
  Array.from({ length: writes }, (_, i) => i + 1).flatMap((atWrite) => {
    const service = times.map((when) => ({ atWrite, when, victim: "service" as const }))
    const [when, other] = atWrite % 4 < 2 ? times : times.toReversed()
    const both: Cut[] = [
      { atWrite, when: when ?? "before", victim: "processes" },
      { atWrite, when: other ?? "after", victim: "both" },
    ]
    const givenUp: Cut = { atWrite, when: when ?? "before", victim: "operation" }
    const mayGiveUp = !name.endsWith("given up") && (long || atWrite % 2 === 1)
    const withService = mayGiveUp ? [...service, givenUp] : service
    if (!boots) return withService
    return [...withService, ...both.filter((_, at) => long || at === atWrite % 2)]
  })

const long = process.env["TINTYPE_LONG"] === "1"
const times = ["before", "after"] as const

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
  for (const cut of cuts(writes, scenario)) await once(make, scenario, cut)
}

/** Plays one story in which somebody dies once (or nobody, to count its writes). */
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
    const ran = await runningNow(making)
    await world.crash()

    const previous = await newestOperation(making)
    const during = await world.boot(cut ?? never)
    failing(during.host, scenario.hostFails)
    during.power?.start()
    const acting = { ...during, making, who } as Stage
    const started = scenario
      .act(acting, scene)
      .then((result) => ending(during.service, making.ledger, result))
      // Where it fails, what was accepted tells how it ended.
      .catch(() => undefined)
    await Promise.race([started, during.power?.dark])
    const writes = during.power?.writes() ?? 0
    const wentDark = during.power?.wentDark() ?? false
    const happened = during.power?.happened() ?? false
    if (cut !== undefined) expect(happened, `write ${cut.atWrite} never came`).toBe(true)
    await world.crash()

    const after = await world.boot()
    const heal = wentDark ? failing(after.host, scenario.hostFails) : () => {}
    await after.service.executor.idle()
    const struck = cut?.victim === "processes" || cut?.victim === "both"
    const stage = { ...after, making, who, struck } as Stage
    const last = await newestOperation(making)
    // That nothing of it is left is all that there is to be said of one that was given up.
    const givenUp = cut?.victim === "operation" && last?.state === "undone"
    const wasAccepted = last !== undefined && last.id !== previous?.id
    try {
      if (wasAccepted) {
        expect(endings, `${last.kind} is ${last.state}: ${last.reason}`).toContain(last.state)
        expect(last.state).not.toBe("stuck")
        await audit(stage)
        heal()
        if (struck && !scenario.endsOff) await switchOnAgain(stage, ran)
        if (!givenUp) await scenario.check(stage, scene, last.state as "done")
      }
      await audit(stage)
    } catch (cause) {
      const where =
        cut === undefined ? "nobody dies" : `${cut.victim}, ${cut.when} write ${cut.atWrite}`
      throw new Error(`${scenario.name}, ${where}: ${String(cause)}`, { cause })
    }
    await world.crash()
    return writes
  } finally {
    await making.dispose()
  }
}

const never: Cut = { atWrite: Number.MAX_SAFE_INTEGER, when: "before", victim: "service" }

async function newestOperation({ ledger }: Making) {
  const [last] = await ledger.read.operations.find({}, { limit: 1, order: "newest-first" })
  return last
}

/** Gives the end of it. */
function failing(host: Host, verb: keyof Host | undefined): () => void {
  if (verb === undefined) return () => {}
  const right = host[verb]
  const broken = async () => {
    throw new Error(`${String(verb)} was made to fail`)
  }
  Object.defineProperty(host, verb, { value: broken, configurable: true })
  return () => Object.defineProperty(host, verb, { value: right })
}
