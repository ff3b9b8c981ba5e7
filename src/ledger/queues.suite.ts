import { describe, expect, test } from "vitest"
import { newId, type OperationId } from "../domain/ids.ts"
import { hasEnded, type Operation, type OperationState } from "../domain/operation.ts"
import type { Bench } from "./ledger.suite.ts"
import { ClaimLost, type Ledger } from "./ledger.ts"
import { logEntry, operation } from "./samples.suite.ts"

const leaseMs = 10

export function queuesSuite(bench: Bench): void {
  const enqueue = (order: Operation, holds: string[]) =>
    bench.ledger.transaction((rooms) => rooms.operations.enqueue(order, holds))
  const claimed = async (nowMs = 1000) =>
    (await bench.ledger.claim("here", nowMs, leaseMs))?.operation
  const end = (id: OperationId, fence: number) =>
    bench.ledger.fenced(id, fence, async (rooms) => {
      await rooms.operations.change(id, { state: "done", endedAt: 1 })
      await rooms.operations.release(id)
    })

  describe("a claim", () => {
    test("takes the oldest that may run, and gives its log", async () => {
      const [first, second] = [operation(), operation()]
      await enqueue(second, ["b"])
      await enqueue(first, ["a"])
      const entries = [logEntry({ event: "started", output: null }), logEntry()]
      await bench.ledger.transaction(async (rooms) => {
        for (const entry of entries) await rooms.operations.append(first.id, entry)
        await rooms.operations.append(second.id, logEntry({ step: "other" }))
      })
      const running = { state: "running", fence: 1, leaseUntil: 1010, startedAt: 1000 }
      const claim = await bench.ledger.claim("here", 1000, leaseMs)
      expect(claim).toEqual({ operation: { ...first, ...running }, log: entries })
      expect(await bench.ledger.read.operations.get(first.id)).toEqual(claim?.operation)
      expect((await claimed())?.id).toBe(second.id)
      expect(await claimed()).toBeUndefined()
    })

    test("waits until all before it in each of its queues have ended", async () => {
      const [a, b, both, later] = [operation(), operation(), operation(), operation()]
      await enqueue(a, ["a"])
      await enqueue(b, ["b", "b"])
      await enqueue(both, ["a", "b"])
      await enqueue(later, ["a"])
      expect([(await claimed())?.id, (await claimed())?.id]).toEqual([a.id, b.id])
      expect(await claimed()).toBeUndefined()
      await end(a.id, 1)
      expect(await claimed()).toBeUndefined()
      await end(b.id, 1)
      expect((await claimed())?.id).toBe(both.id)
      expect(await claimed()).toBeUndefined()
      const holding = await bench.ledger.read.operations.holding("a")
      expect(holding.map((found) => found.id)).toEqual([both.id, later.id])
      const firsts = await bench.ledger.read.operations.firstHolding(["b", "a", "nobody's"])
      expect([...firsts].map(([resource, { id }]) => [resource, id]).sort()).toEqual([
        ["a", both.id],
        ["b", both.id],
      ])
    })

    test("is first where it holds more than one statement has values for", async () => {
      const order = operation()
      const holds = Array.from({ length: 40_000 }, (_, n) => `r${n}`)
      await enqueue(order, holds)
      const firsts = await bench.ledger.read.operations.firstHolding(holds)
      expect([firsts.size, firsts.get("r39999")?.id]).toEqual([holds.length, order.id])
      expect((await claimed())?.id).toBe(order.id)
    })

    test("goes by the order of enqueueing in a queue, whatever the ids", async () => {
      const [older, newer] = [operation(), operation()]
      await enqueue(newer, ["a"])
      await enqueue(older, ["a"])
      expect((await claimed())?.id).toBe(newer.id)
      expect(await claimed()).toBeUndefined()
    })

    test("is for the operations of one node, which others' still hold up", async () => {
      const [there, here] = [operation({ node: "there" }), operation()]
      await enqueue(there, ["a"])
      await enqueue(here, ["a"])
      expect(await claimed()).toBeUndefined()
      expect((await bench.ledger.claim("there", 1000, leaseMs))?.operation.id).toBe(there.id)
    })

    test("waits for one that is stuck, until that goes on and ends", async () => {
      const [stuck, next] = [operation(), operation()]
      await enqueue(stuck, ["a"])
      await enqueue(next, ["a"])
      await claimed()
      await bench.ledger.fenced(stuck.id, 1, (rooms) =>
        rooms.operations.change(stuck.id, { state: "stuck" }),
      )
      expect(await claimed()).toBeUndefined()
      expect((await bench.ledger.read.operations.holding("a"))[0]?.state).toBe("stuck")
      await bench.ledger.transaction(async (rooms) => {
        await rooms.operations.change(stuck.id, { state: "undone" })
        await rooms.operations.release(stuck.id)
      })
      expect((await claimed())?.id).toBe(next.id)
    })

    test("of some looks at no others, and takes what may run and was never claimed", async () => {
      const [first, second, other] = [operation(), operation(), operation()]
      const there = operation({ node: "there" })
      await enqueue(first, ["a"])
      await enqueue(second, ["a", "b"])
      await enqueue(other, ["c"])
      await enqueue(there, ["d"])
      const these = async () => {
        const ids = [second.id, first.id, there.id]
        const claims = await bench.ledger.claimThese(ids, "here", 1000, leaseMs)
        return claims.map(({ operation: { id, state, fence } }) => ({ id, state, fence }))
      }
      expect(await these()).toEqual([{ id: first.id, state: "running", fence: 1 }])
      // Not even when its lease is over: that is for whoever looks everywhere.
      expect(await bench.ledger.claimThese([first.id], "here", 9000, leaseMs)).toEqual([])
      expect(await these()).toEqual([])
      await end(first.id, 1)
      expect(await these()).toEqual([{ id: second.id, state: "running", fence: 1 }])
      expect((await claimed())?.id).toBe(other.id)
    })

    test("leaves alone what the worker says it has under way, late or not", async () => {
      const late = operation()
      await enqueue(late, ["a"])
      await claimed(1000)
      expect(await bench.ledger.claim("here", 5000, leaseMs, [late.id])).toBeUndefined()
      expect((await claimed(5000))?.id).toBe(late.id)
    })

    test("may go on when only some of what another holds is given up", async () => {
      const [first, second] = [operation(), operation()]
      await enqueue(first, ["a", "b"])
      await enqueue(second, ["b"])
      await claimed()
      expect(await claimed()).toBeUndefined()
      await bench.ledger.transaction((rooms) => rooms.operations.release(first.id, ["b"]))
      expect((await claimed())?.id).toBe(second.id)
    })

    test("takes over from the dead when their lease is over, and keeps what they were at", async () => {
      const order = operation()
      await enqueue(order, ["a"])
      await claimed(1000)
      await bench.ledger.fenced(order.id, 1, (rooms) =>
        rooms.operations.change(order.id, { state: "undoing" }),
      )
      expect(await claimed(1010)).toBeUndefined()
      expect(await claimed(1011)).toMatchObject({ state: "undoing", fence: 2, startedAt: 1000 })
      await bench.ledger.renew(order.id, 2, 5000)
      expect(await claimed(4999)).toBeUndefined()
      await bench.ledger.expireLeases("there")
      expect(await claimed(4999)).toBeUndefined()
      await bench.ledger.expireLeases("here")
      expect(await claimed(4999)).toMatchObject({ fence: 3 })
    })

    test("once lost writes nothing more", async () => {
      const order = operation()
      await enqueue(order, ["a"])
      await claimed(1000)
      await claimed(2000)
      const stale = bench.ledger.fenced(order.id, 1, (rooms) =>
        rooms.operations.append(order.id, logEntry()),
      )
      await expect(stale).rejects.toThrow(ClaimLost)
      await expect(bench.ledger.renew(order.id, 1, 9000)).rejects.toThrow(ClaimLost)
      expect(await bench.ledger.read.operations.log(order.id)).toEqual([])
      await end(order.id, 2)
      await expect(end(order.id, 2)).rejects.toThrow(ClaimLost)
      await expect(bench.ledger.renew(order.id, 2, 9000)).rejects.toThrow(ClaimLost)
      await expect(bench.ledger.fenced(newId(), 0, async () => {})).rejects.toThrow(ClaimLost)
    })

    test("that fails in its work keeps its fence and loses only the work", async () => {
      const order = operation()
      await enqueue(order, ["a"])
      await claimed()
      const failing = bench.ledger.fenced(order.id, 1, async (rooms) => {
        await rooms.operations.append(order.id, logEntry())
        throw new Error("no")
      })
      await expect(failing).rejects.toThrow("no")
      expect(await bench.ledger.read.operations.log(order.id)).toEqual([])
      await end(order.id, 1)
      expect(await bench.ledger.read.operations.holding("a")).toEqual([])
    })

    test("goes with its operation: log and holds are removed with it", async () => {
      const order = operation()
      await enqueue(order, ["a"])
      await bench.ledger.transaction(async (rooms) => {
        await rooms.operations.append(order.id, logEntry())
        await rooms.operations.remove(order.id)
      })
      expect(await bench.ledger.read.operations.log(order.id)).toEqual([])
      expect(await bench.ledger.examine()).toEqual([])
    })
  })

  describe("queues do what a simple model of them does", () => {
    const given = process.env["TINTYPE_SEED"]
    const base = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
    for (let run = 0; run < 5; run++) {
      const seed = base + run
      test(`seed ${seed} (repeat with TINTYPE_SEED=${seed})`, () =>
        playAgainstModel(bench.ledger, seed))
    }
  })
}

type Modelled = {
  id: OperationId
  node: string
  state: OperationState
  fence: number
  leaseUntil: number
  /** Emptied by release. */
  holds: string[]
}

/** Random moves on the ledger and on a list in enqueue order; after each, both must agree. */
async function playAgainstModel(ledger: Ledger, seed: number): Promise<void> {
  const random = mulberry32(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const nodes = ["n1", "n2"]
  const resources = ["a", "b", "c", "d"]
  const queue: Modelled[] = []
  const idsAhead: OperationId[] = []
  let nowMs = 1000

  const moves: Record<string, () => Promise<void>> = {
    async enqueue() {
      // Ids chosen in another order than they are enqueued in.
      while (idsAhead.length < 4) idsAhead.push(newId())
      const id = idsAhead.splice(Math.floor(random() * 4), 1)[0] as OperationId
      const holds = resources.filter(() => random() < 0.4)
      const order = { id, node: pick(nodes), state: "queued", fence: 0, leaseUntil: 0 } as const
      queue.push({ ...order, holds })
      await ledger.transaction((rooms) => rooms.operations.enqueue(operation(order), holds))
    },
    async claim() {
      const node = pick(nodes)
      const expected = mayRun(queue, node, nowMs)
      const claim = await ledger.claim(node, nowMs, leaseMs)
      expect(claim?.operation.id).toBe(expected?.id)
      if (expected === undefined) return
      expected.fence += 1
      expected.leaseUntil = nowMs + leaseMs
      if (expected.state === "queued") expected.state = "running"
      expect(claim?.operation).toMatchObject({ state: expected.state, fence: expected.fence })
    },
    async end() {
      const one = pick(queue)
      const state = pick<OperationState>(["done", "undone", "stuck", "undoing"])
      const releases = random() < 0.8 && state !== "undoing"
      const fence = one.fence - (random() < 0.2 ? 1 : 0)
      const lost = fence !== one.fence || hasEnded(one.state)
      const ending = ledger.fenced(one.id, fence, async (rooms) => {
        await rooms.operations.change(one.id, { state })
        if (releases) await rooms.operations.release(one.id)
      })
      if (lost) return await expect(ending).rejects.toThrow(ClaimLost)
      await ending
      one.state = state
      if (releases) one.holds = []
    },
    async renew() {
      const one = pick(queue)
      const leaseUntil = nowMs + 3 * leaseMs
      const renewing = ledger.renew(one.id, one.fence, leaseUntil)
      if (hasEnded(one.state)) return await expect(renewing).rejects.toThrow(ClaimLost)
      await renewing
      one.leaseUntil = leaseUntil
    },
    async expire() {
      const node = pick(nodes)
      await ledger.expireLeases(node)
      for (const one of queue) if (one.node === node && !hasEnded(one.state)) one.leaseUntil = 0
    },
    async wait() {
      nowMs += Math.floor(random() * leaseMs)
    },
  }

  await moves["enqueue"]?.()
  const names = ["enqueue", "enqueue", "claim", "claim", "claim", "end", "end", "renew", "wait"]
  for (let i = 0; i < 300; i++) {
    await moves[random() < 0.02 ? "expire" : pick(names)]?.()
    const resource = pick(resources)
    const holding = await ledger.read.operations.holding(resource)
    const expected = queue.filter((one) => blocks(one) && one.holds.includes(resource))
    expect(holding.map((found) => found.id)).toEqual(expected.map((one) => one.id))
  }
}

const blocks = ({ state }: Modelled) => !hasEnded(state) || state === "stuck"

function mayRun(queue: readonly Modelled[], node: string, nowMs: number): Modelled | undefined {
  const candidates = queue.filter((one, place) => {
    if (one.node !== node || hasEnded(one.state)) return false
    if (one.state !== "queued" && one.leaseUntil >= nowMs) return false
    const before = queue.slice(0, place).filter(blocks)
    return !before.some((other) => other.holds.some((resource) => one.holds.includes(resource)))
  })
  return candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1))[0]
}

/** A small well-known generator (Tommy Ettinger's, public domain): equal seeds, equal games. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
