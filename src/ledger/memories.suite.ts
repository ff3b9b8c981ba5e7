/** Events, repeated requests, where sources stand, settings, and the memory lent to engines. */
import { describe, expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import type { Bench } from "./ledger.suite.ts"
import { ClaimLost, type Repeat } from "./ledger.ts"
import { event, operation } from "./samples.suite.ts"

export function memoriesSuite(bench: Bench): void {
  eventsSuite(bench)

  describe("a repeated request", () => {
    const repeat: Repeat = { requestHash: "h", status: 202, body: { id: "\u0000" }, createdAt: 10 }

    test("is found by user and key until it is forgotten", async () => {
      await bench.ledger.transaction(async (rooms) => {
        await rooms.repeats.add("ann", "key", repeat)
        await rooms.repeats.add("bob", "key", { ...repeat, body: null, createdAt: 20 })
      })
      expect(await bench.ledger.read.repeats.get("ann", "key")).toEqual(repeat)
      expect(await bench.ledger.read.repeats.get("ann", "other")).toBeUndefined()
      await bench.ledger.transaction((rooms) => rooms.repeats.forgetBefore(20))
      expect(await bench.ledger.read.repeats.get("ann", "key")).toBeUndefined()
      expect((await bench.ledger.read.repeats.get("bob", "key"))?.body).toBeNull()
    })

    test("is not written over", async () => {
      const add = () => bench.ledger.transaction((rooms) => rooms.repeats.add("ann", "k", repeat))
      await add()
      await expect(add()).rejects.toThrow(/unique/i)
    })
  })

  test("a source stands where it was set, and moves when its snapshot goes", async () => {
    const [a, b] = [newId<"snapshot">(), newId<"snapshot">()]
    const standing = () =>
      Promise.all(["x", "y", "z"].map((source) => bench.ledger.read.standing.get(source)))
    await bench.ledger.transaction(async ({ standing: room }) => {
      await room.set("x", b)
      await room.set("x", a)
      await room.set("y", a)
      await room.set("z", b)
    })
    expect(await standing()).toEqual([a, a, b])
    await bench.ledger.transaction(({ standing: room }) => room.move(a, b))
    expect(await standing()).toEqual([b, b, b])
    await bench.ledger.transaction(({ standing: room }) => room.set("y", null))
    expect(await standing()).toEqual([b, null, b])
    await bench.ledger.transaction(({ standing: room }) => room.move(b, null))
    expect(await standing()).toEqual([null, null, null])
  })

  test("a setting keeps its last value", async () => {
    expect(await bench.ledger.setting("region")).toBeUndefined()
    await bench.ledger.set("region", "DFW")
    await bench.ledger.set("region", "ORD")
    expect(await bench.ledger.setting("region")).toBe("ORD")
  })

  describe("an engine's memory", () => {
    const layer = (
      id: string,
      parent: string | null = null,
      body: unknown = { "\u0000": [1] },
    ) => ({
      kind: "layer",
      id,
      parent,
      body,
    })

    test("keeps records by kind, id and parent, apart from other engines'", async () => {
      const [mine, other] = [bench.ledger.engineMemory("qcow2"), bench.ledger.engineMemory("rbd")]
      await mine.transaction(async (tx) => {
        await tx.put(layer("b", "a"))
        await tx.put(layer("a"))
        await tx.put(layer("c", "a", "old"))
        await tx.put(layer("c", "a", "new"))
        await tx.put({ ...layer("a", "a"), kind: "head" })
      })
      await other.transaction((tx) => tx.put(layer("z", "a")))
      await mine.transaction(async (tx) => {
        expect(await tx.get("layer", "a")).toEqual(layer("a"))
        expect(await tx.get("layer", "z")).toBeUndefined()
        expect(await tx.all("layer")).toEqual([layer("a"), layer("b", "a"), layer("c", "a", "new")])
        expect(await tx.children("layer", "a")).toEqual([layer("b", "a"), layer("c", "a", "new")])
        await tx.put(layer("c", null, null))
        await tx.remove("layer", "b")
        await tx.remove("layer", "b")
        expect(await tx.children("layer", "a")).toEqual([])
        expect(await tx.get("layer", "c")).toEqual(layer("c", null, null))
      })
    })

    test("is atomic", async () => {
      const memory = bench.ledger.engineMemory("qcow2")
      const failing = memory.transaction(async (tx) => {
        await tx.put(layer("a"))
        throw new Error("no")
      })
      await expect(failing).rejects.toThrow("no")
      expect(await memory.transaction((tx) => tx.all("layer"))).toEqual([])
    })

    test("takes nothing under a claim that was lost", async () => {
      const order = operation()
      await bench.ledger.transaction((rooms) => rooms.operations.enqueue(order, []))
      await bench.ledger.claim("here", 1000, 10)
      const held = bench.ledger.engineMemory("qcow2", { id: order.id, fence: 1 })
      await held.transaction((tx) => tx.put(layer("a")))
      await bench.ledger.claim("here", 2000, 10)
      await expect(held.transaction((tx) => tx.put(layer("b")))).rejects.toThrow(ClaimLost)
      await expect(held.transaction((tx) => tx.all("layer"))).rejects.toThrow(ClaimLost)
      const free = bench.ledger.engineMemory("qcow2")
      expect(await free.transaction((tx) => tx.all("layer"))).toEqual([layer("a")])
    })
  })
}

function eventsSuite(bench: Bench): void {
  describe("events", () => {
    const ids = async (after: number, account: Parameters<typeof event>[0] = null, limit = 100) =>
      (await bench.ledger.read.events.after(after, account, limit)).map((found) => found.id)
    const addOne = (account: Parameters<typeof event>[0] = null) =>
      bench.ledger.transaction((rooms) => rooms.events.add(event(account)))

    test("come back whole, oldest first, to the account they are for", async () => {
      const mine = newId<"account">()
      const told = event(mine)
      await addOne()
      await bench.ledger.transaction((rooms) => rooms.events.add(told))
      await addOne(newId())
      expect(await bench.ledger.read.events.after(0, mine, 10)).toEqual([{ ...told, id: 2 }])
      expect(await ids(0)).toEqual([1, 2, 3])
      expect(await ids(1, null, 1)).toEqual([2])
      expect(await ids(2, mine)).toEqual([])
      expect(await bench.ledger.read.events.newest()).toBe(3)
    })

    test("are numbered without a gap, and never twice, also after a trim or a failure", async () => {
      for (let i = 0; i < 5; i++) await addOne()
      await bench.ledger.transaction((rooms) => rooms.events.trim(2))
      expect(await ids(0)).toEqual([4, 5])
      await bench.ledger.transaction((rooms) => rooms.events.trim(0))
      expect(await bench.ledger.read.events.newest()).toBe(5)
      const failing = bench.ledger.transaction(async (rooms) => {
        await rooms.events.add(event())
        throw new Error("no")
      })
      await expect(failing).rejects.toThrow("no")
      await addOne()
      expect(await ids(0)).toEqual([6])
    })

    test("are announced after their commit, and only then", async () => {
      const seen: number[] = []
      const stop = bench.ledger.onEvents(() => {
        seen.push(1)
      })
      await bench.ledger.transaction(async (rooms) => {
        await rooms.events.add(event())
        await rooms.events.add(event())
        await new Promise(setImmediate)
        expect(seen).toEqual([])
      })
      await new Promise(setImmediate)
      expect(seen).toEqual([1])
      await bench.ledger.transaction((rooms) => rooms.events.trim(1))
      await bench.ledger
        .transaction(async (rooms) => {
          await rooms.events.add(event())
          throw new Error("no")
        })
        .catch(() => {})
      await new Promise(setImmediate)
      expect(seen).toEqual([1])
      stop()
      await addOne()
      await new Promise(setImmediate)
      expect(seen).toEqual([1])
    })
  })
}
