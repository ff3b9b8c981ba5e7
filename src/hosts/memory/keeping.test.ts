import { describe, expect, test } from "vitest"
import { newId } from "../../domain/ids.ts"
import type { MemoryWatch } from "../host.ts"
import { openMemoryHost } from "./host.ts"
import { kill, newHostWorld, pause } from "./world.ts"

const exec = { waitForAgentMs: 0, timeoutMs: 0, maxOutputBytes: 100 }
const watch: MemoryWatch = { progress: () => {}, signal: new AbortController().signal }
const bytes = { read: () => new Uint8Array(), write: () => {}, parent: null }

describe("a world says how captures go", () => {
  async function remembering() {
    const world = newHostWorld()
    const host = await openMemoryHost({ dataDir: "", user: null }, world)
    const id = newId<"machine">()
    const [volume, top] = [newId<"volume">(), "top"]
    const nodes = [{ driver: "memory", "node-name": top, layer: bytes }]
    const disks = [{ slot: 0, graph: { volume, nodes, top, sizeBytes: 0 } }]
    const hardware = { memoryMiB: 1, cpus: 1, machineType: null, cpuModel: null }
    const order = { machine: id, name: "one", hardware, disks, boot: null }
    await host.start(order)
    await host.exec(id, ["remember", "then"], exec)
    return { world, host, id, order, memory: newId<"snapshot">() }
  }

  test("no space for a memory refuses it and touches nothing", async () => {
    const { world, host, id, memory } = await remembering()
    world.capturing.noSpace = true
    await expect(host.captureMemory(id, memory, [])).rejects.toMatchObject({
      fault: { kind: "no-space" },
    })
    expect(await host.look(id)).toBe("running")
    expect(await host.memories()).toEqual(new Map())
  })

  test("writing takes until the test lets it, also across a restart", async () => {
    const { world, host, id, order, memory } = await remembering()
    const { promise, resolve } = Promise.withResolvers<void>()
    world.capturing.until = promise
    await host.captureMemory(id, memory, [])
    await host.close()
    const next = await openMemoryHost({ dataDir: "", user: null }, world)
    const other = { ...order, machine: newId<"machine">() }
    const early = next.start({ ...other, memory: { snapshot: memory, keptUnder: null } })
    await expect(early).rejects.toThrow("not kept")
    const kept = next.keepMemory(id, memory, watch)
    resolve()
    expect(await kept).toEqual({ bytes: 5 })
  })

  test("one who gives up waiting gives nothing else up", async () => {
    const { world, host, id, memory } = await remembering()
    world.capturing.until = new Promise(() => {})
    await host.captureMemory(id, memory, [])
    const given = new AbortController()
    const kept = host.keepMemory(id, memory, { ...watch, signal: given.signal })
    given.abort(new Error("enough"))
    await expect(kept).rejects.toThrow("enough")
    world.capturing.until = Promise.resolve()
    expect(await host.keepMemory(id, memory, watch)).toEqual({ bytes: 5 })
  })

  test("what was being written when the machine died is not whole", async () => {
    const { world, host, id, memory } = await remembering()
    await host.captureMemory(id, memory, [])
    kill(world, id)
    await expect(host.keepMemory(id, memory, watch)).rejects.toThrow("not kept whole")
  })

  test("a guest that stood still and was released has not kept its memory", async () => {
    const { world, host, id, memory } = await remembering()
    world.capturing.standing = true
    const { running, note } = await host.captureMemory(id, memory, [])
    expect([running, typeof note]).toEqual([false, "string"])
    expect(await host.standstill(id)).toBe("held")
    await host.release(id)
    await expect(host.keepMemory(id, memory, watch)).rejects.toThrow("not kept whole")
  })

  test("a full disk stops a guest until there is space", async () => {
    const { world, host, id } = await remembering()
    const guest = world.running.get(id)
    if (guest === undefined) throw new Error("it does not run")
    pause(guest, "no-space")
    await host.release(id)
    expect([await host.look(id), await host.standstill(id)]).toEqual(["paused", "no-space"])
    await host.goOn(id)
    expect([await host.look(id), await host.standstill(id)]).toEqual(["running", null])
  })
})
