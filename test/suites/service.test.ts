/** The service as its users meet it, without doors: rules, queues, tenants. On fakes, so quick. */
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Principal } from "../../src/domain/account.ts"
import type { Fault, Result } from "../../src/domain/fault.ts"
import { newId } from "../../src/domain/ids.ts"
import { makeFakes } from "../crash/fakes.ts"
import {
  contentOf,
  filledVolume,
  MiB,
  nowhere,
  runningMachine,
  type Stage,
} from "../crash/stage.ts"
import { bytesOf, ending, newWorld, right, settled, upload, type World } from "../crash/world.ts"

let world: World
let stage: Stage

beforeEach(async () => {
  const making = await makeFakes()
  world = await newWorld(making)
  const { service, host } = await world.boot()
  stage = { service, host, making, who: await world.admin() }
})

afterEach(async () => {
  await world.crash()
  await stage.making.dispose()
})

const core = () => stage.service.core

async function member(login: string, role?: Principal["role"]): Promise<Principal> {
  const made = right(await core().identity.createAccount({ who: stage.who }, { login }))
  if (role === undefined) return right(await core().identity.byToken(made.token ?? ""))
  const wish = { name: `${login}-${role}`, account: login, role }
  const user = right(await core().identity.createUser({ who: stage.who }, wish))
  return right(await core().identity.byToken(user.token ?? ""))
}

const faultOf = (result: Result<unknown>): Fault["kind"] | "none" =>
  result.ok ? "none" : result.fault.kind

const volumeOf = async (who: Principal, name = "v") =>
  await settled(
    stage.service,
    stage.making.ledger,
    await core().volumes.create({ who }, { name, sizeBytes: MiB }),
  )

const snapshotOf = async (
  who: Principal,
  id: Awaited<ReturnType<typeof volumeOf>>["id"],
  name = "s",
) =>
  await settled(
    stage.service,
    stage.making.ledger,
    await core().snapshots.create({ who }, { name, source: { kind: "volume", id } }),
  )

describe("asking twice under one key", () => {
  const repeat = { key: "k1", requestHash: "h1" }

  test("is asking once, and the second answer says so", async () => {
    const wish = { name: "v", sizeBytes: MiB }
    const first = right(await core().volumes.create({ who: stage.who, repeat }, wish))
    const second = right(await core().volumes.create({ who: stage.who, repeat }, wish))
    expect(second.operation.id).toBe(first.operation.id)
    expect(second.resource.id).toBe(first.resource.id)
    expect(second.replayed).toBe(true)
    expect(right(await core().volumes.list(stage.who, { limit: 10 }))).toHaveLength(1)
  })

  test("for something else is refused, and for another user is another key", async () => {
    const wish = { name: "v", sizeBytes: MiB }
    right(await core().volumes.create({ who: stage.who, repeat }, wish))
    const other = { ...repeat, requestHash: "h2" }
    expect(faultOf(await core().volumes.create({ who: stage.who, repeat: other }, wish))).toBe(
      "key-reused",
    )
    const alice = await member("alice")
    expect(faultOf(await core().volumes.create({ who: alice, repeat: other }, wish))).toBe("none")
  })

  test("holds for accounts, whose secrets are shown only once", async () => {
    const asking = { who: stage.who, repeat }
    const first = right(await core().identity.createAccount(asking, { login: "alice" }))
    const second = right(await core().identity.createAccount(asking, { login: "alice" }))
    expect(second.account).toEqual(first.account)
    expect(second).toMatchObject({ password: null, apiKey: null, token: null, refreshToken: null })
    expect(
      JSON.stringify(await stage.making.ledger.read.repeats.get(stage.who.userId, "k1")),
    ).not.toContain(first.token)
  })

  test("holds for a command in a guest", async () => {
    const { machine } = await runningMachine(stage)
    const asking = { who: stage.who, repeat }
    const wish = { argv: ["read", "1", "0", "3"] }
    const first = right(await core().machines.exec(asking, machine, wish))
    await stage.making.poke(stage.host, machine, 1, "two")
    const second = right(await core().machines.exec(asking, machine, wish))
    expect(second.stdout.toString()).toBe(first.stdout.toString())
  })

  test("what was refused is not remembered", async () => {
    const wrong = { name: "v", sizeBytes: 1 }
    const wish = { name: "v", sizeBytes: MiB }
    expect(faultOf(await core().volumes.create({ who: stage.who, repeat }, wrong))).toBe("invalid")
    expect(faultOf(await core().volumes.create({ who: stage.who, repeat }, wish))).toBe("none")
  })
})

describe("several at once", () => {
  test("snapshots of one machine queue and are each other's parents, in order", async () => {
    const { machine } = await runningMachine(stage)
    const source = { kind: "machine", id: machine } as const
    const asked = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        core().snapshots.create({ who: stage.who }, { name: `s${i}`, source }),
      ),
    )
    for (const each of asked) await settled(stage.service, stage.making.ledger, each)
    const all = right(await core().snapshots.list(stage.who, { limit: 10, source }))
    const ordered = all.map(({ name, parentId }) => ({
      name,
      parent: all.find(({ id }) => id === parentId)?.name ?? null,
    }))
    expect(ordered).toEqual([
      { name: "s0", parent: null },
      { name: "s1", parent: "s0" },
      { name: "s2", parent: "s1" },
      { name: "s3", parent: "s2" },
      { name: "s4", parent: "s3" },
    ])
  })

  test("a snapshot asked for while its volume is still being made waits for it", async () => {
    const { who } = stage
    const made = right(await core().volumes.create({ who }, { name: "v", sizeBytes: MiB }))
    const source = { kind: "volume", id: made.resource.id } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    await settled(stage.service, stage.making.ledger, taken)
  })

  test("one deleted while it is being taken is gone and stays gone", async () => {
    const { volume } = await filledVolume(stage, "x")
    const { who } = stage
    const source = { kind: "volume", id: volume } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    const { id } = right(taken).resource
    const removed = await core().snapshots.remove({ who }, id)
    await settled(stage.service, stage.making.ledger, removed)
    expect(faultOf(await core().snapshots.get(who, id))).toBe("not-found")
    expect(right(await core().snapshots.list(who, { limit: 10 }))).toEqual([])
    expect(await stage.making.ledger.read.snapshots.count({})).toBe(0)
  })
})

describe("what belongs to others", () => {
  test("cannot be seen, used, touched, or told apart from what never was", async () => {
    const [alice, bob] = [await member("alice"), await member("bob")]
    const volume = await volumeOf(alice)
    const { id: snapshot } = await snapshotOf(alice, volume.id)
    const stranger = { volume: newId<"volume">(), snapshot: newId<"snapshot">() }
    const ask = (v: typeof volume.id, s: typeof snapshot) => [
      core().volumes.get(bob, v),
      core().volumes.remove({ who: bob }, v, { cascade: true }),
      core().volumes.revert({ who: bob }, v, s),
      core().volumes.importFrom({ who: bob }, v, upload(bytesOf("b", MiB))),
      core().volumes.exportTo({ who: bob }, v, nowhere()),
      core().volumes.create({ who: bob }, { name: "c", snapshotId: s }),
      core().snapshots.create({ who: bob }, { name: "s", source: { kind: "volume", id: v } }),
      core().snapshots.get(bob, s),
      core().snapshots.remove({ who: bob }, s),
      core().snapshots.exportTo({ who: bob }, { id: s, sink: nowhere() }),
    ]
    const foreign = await Promise.all(ask(volume.id, snapshot))
    const unknown = await Promise.all(ask(stranger.volume, stranger.snapshot))
    const hide = (text: string) =>
      text
        .replaceAll(volume.id, "V")
        .replaceAll(snapshot, "S")
        .replaceAll(stranger.volume, "V")
        .replaceAll(stranger.snapshot, "S")
    expect(hide(JSON.stringify(foreign))).toBe(hide(JSON.stringify(unknown)))
    for (const answer of foreign) expect(faultOf(answer)).toBe("not-found")
    expect(right(await core().volumes.list(bob, { limit: 10 }))).toEqual([])
    expect(right(await core().snapshots.list(bob, { limit: 10 }))).toEqual([])
    expect(right(await core().operations.list(bob, { limit: 10 }))).toEqual([])
    expect(await contentOf({ ...stage, who: alice }, volume.id)).toBe("")
  })

  test("machines too, with everything one can ask of them", async () => {
    const { machine, extra } = await runningMachine(stage)
    const bob = await member("bob")
    const answers = [
      await core().machines.get(bob, machine),
      await core().machines.start({ who: bob }, machine),
      await core().machines.stop({ who: bob }, machine, { hard: true }),
      await core().machines.reboot({ who: bob }, machine),
      await core().machines.remove({ who: bob }, machine),
      await core().machines.attach({ who: bob }, machine, extra),
      await core().machines.detach({ who: bob }, machine, extra),
      await core().machines.exec({ who: bob }, machine, { argv: ["read", "0", "0", "1"] }),
      await core().machines.console(bob, machine, 100),
      await core().snapshots.create(
        { who: bob },
        { name: "s", source: { kind: "machine", id: machine } },
      ),
    ]
    for (const answer of answers) expect(faultOf(answer)).toBe("not-found")
  })

  test("all accounts are the administrator's to list, and to act for", async () => {
    const alice = await member("alice")
    const volume = await volumeOf(alice)
    const everything = { limit: 10, allAccounts: true }
    expect(faultOf(await core().volumes.list(alice, everything))).toBe("forbidden")
    expect(right(await core().volumes.list(stage.who, everything))).toHaveLength(1)
    expect(right(await core().volumes.list(stage.who, { limit: 10 }))).toHaveLength(0)
    expect(right(await core().volumes.get(stage.who, volume.id)).id).toBe(volume.id)
    const acting = right(await core().identity.actFor(stage.who, "alice"))
    expect(right(await core().volumes.list(acting, { limit: 10 }))).toHaveLength(1)
    expect(faultOf(await core().identity.actFor(alice, "admin"))).toBe("forbidden")
    expect(faultOf(await core().identity.actFor(alice, "nobody"))).toBe("forbidden")
  })

  test("a reader looks and touches nothing", async () => {
    const reader = await member("alice", "reader")
    const wish = { name: "v", sizeBytes: MiB }
    expect(faultOf(await core().volumes.create({ who: reader }, wish))).toBe("forbidden")
    expect(faultOf(await core().volumes.list(reader, { limit: 10 }))).toBe("none")
    expect(faultOf(await core().identity.createAccount({ who: reader }, { login: "x" }))).toBe(
      "forbidden",
    )
  })
})

describe("what goes, and what it takes along", () => {
  test("a volume with snapshots is refused with their ids, unless they go too", async () => {
    const { who } = stage
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    const refused = await core().volumes.remove({ who }, volume.id, { cascade: false })
    expect(refused).toMatchObject({
      fault: { kind: "in-use", by: [{ kind: "snapshot", id }] },
    })
    const removed = await core().volumes.remove({ who }, volume.id, { cascade: true })
    await settled(stage.service, stage.making.ledger, removed)
    expect(faultOf(await core().snapshots.get(who, id))).toBe("not-found")
  })

  test("deleting a snapshot in the middle hangs its child on its parent", async () => {
    const { who } = stage
    const volume = await volumeOf(who)
    const [a, b, c] = [
      await snapshotOf(who, volume.id, "a"),
      await snapshotOf(who, volume.id, "b"),
      await snapshotOf(who, volume.id, "c"),
    ]
    right(await core().snapshots.remove({ who }, b.id))
    expect(right(await core().snapshots.get(who, c.id)).parentId).toBe(a.id)
    right(await core().snapshots.remove({ who }, c.id))
    const d = await snapshotOf(who, volume.id, "d")
    expect(right(await core().snapshots.get(who, d.id)).parentId).toBe(a.id)
  })

  test("a machine takes its snapshots along; a clone of one lives on", async () => {
    const { who } = stage
    const { machine, extra } = await runningMachine(stage)
    const source = { kind: "machine", id: machine } as const
    const taken = await settled(
      stage.service,
      stage.making.ledger,
      await core().snapshots.create({ who }, { name: "s", source }),
    )
    const clone = await settled(
      stage.service,
      stage.making.ledger,
      await core().volumes.create({ who }, { name: "clone", snapshotId: taken.id }),
    )
    const removed = await core().machines.remove({ who }, machine)
    await settled(stage.service, stage.making.ledger, removed)
    expect(right(await core().snapshots.list(who, { limit: 10 }))).toEqual([])
    expect(await contentOf(stage, clone.id)).toBe("an image")
    expect(right(await core().volumes.get(who, extra)).state).toBe("available")
  })

  test("the recovery snapshot of a revert goes when its days are over", async () => {
    const { who } = stage
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    const { ledger } = stage.making
    await settled(stage.service, ledger, await core().volumes.revert({ who }, volume.id, id))
    const [recovery] = (await ledger.read.snapshots.find({ recovery: true })) ?? []
    expect(recovery?.state).toBe("ready")
    await ledger.transaction((rooms) =>
      rooms.snapshots.change(recovery?.id ?? "", { expiresAt: Date.now() - 1 }),
    )
    await stage.service.tidyUp()
    await stage.service.executor.idle()
    expect(await ledger.read.snapshots.find({ recovery: true })).toEqual([])
    expect(right(await core().snapshots.get(who, id)).state).toBe("ready")
  })
})

describe("bad wishes change nothing", () => {
  test.each([
    ["a size that is no multiple of a sector", { sizeBytes: 1000 }, "invalid"],
    ["a size below zero", { sizeBytes: -512 }, "size"],
    ["a size beyond all disks", { sizeBytes: 2 ** 60 }, "size"],
    ["a size that is not a number", { sizeBytes: Number.NaN }, "invalid"],
  ])("%s", async (_what, wish, fault) => {
    const { who } = stage
    expect(faultOf(await core().volumes.create({ who }, { name: "v", ...wish }))).toBe(fault)
    expect(await stage.making.ledger.read.volumes.count({})).toBe(0)
    expect(await stage.making.ledger.read.operations.count({})).toBe(0)
  })

  test("a file larger than the volume leaves what was there", async () => {
    const { volume } = await filledVolume(stage, "old")
    const large = upload(bytesOf("new", 2 * MiB))
    const { who } = stage
    expect(faultOf(await core().volumes.importFrom({ who }, volume, large))).toBe("size")
    const unsure = { ...upload(bytesOf("new", 2 * MiB)), lengthBytes: null }
    expect(faultOf(await core().volumes.importFrom({ who }, volume, unsure))).toBe("size")
    expect(await contentOf(stage, volume)).toBe("old")
  })

  test("an attached volume is not filled, and not given to another", async () => {
    const { who } = stage
    const { machine, extra } = await runningMachine(stage)
    const file = upload(bytesOf("new", MiB))
    expect(faultOf(await core().volumes.importFrom({ who }, extra, file))).toBe("in-use")
    expect(faultOf(await core().volumes.exportTo({ who }, extra, nowhere()))).toBe("in-use")
    expect(faultOf(await core().machines.attach({ who }, machine, extra))).toBe("in-use")
    const how = { cascade: true }
    expect(faultOf(await core().volumes.remove({ who }, extra, how))).toBe("in-use")
  })

  test("a snapshot of another volume is not gone back to", async () => {
    const { who } = stage
    const [one, two] = [await volumeOf(who, "one"), await volumeOf(who, "two")]
    const { id } = await snapshotOf(who, one.id)
    expect(faultOf(await core().volumes.revert({ who }, two.id, id))).toBe("invalid")
  })

  test("an operation that fails says why, and its snapshot does too", async () => {
    const { who } = stage
    const { machine } = await runningMachine(stage)
    Object.defineProperty(stage.host, "switchDisks", {
      value: async () => {
        throw new Error("the switch was made to fail")
      },
    })
    const source = { kind: "machine", id: machine } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    const ended = await ending(stage.service, stage.making.ledger, taken)
    expect(ended).toMatchObject({ state: "undone", reason: "the switch was made to fail" })
    const snapshot = right(await core().snapshots.get(who, ended.resource.id))
    expect(snapshot).toMatchObject({
      state: "failed",
      reason: "the switch was made to fail",
      points: [],
    })
  })
})
