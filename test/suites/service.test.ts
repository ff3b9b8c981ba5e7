/** The service as its users meet it, without doors: rules, queues, tenants. On fakes, so quick. */
import { describe, expect, test } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { contentOf, filledVolume, MiB, nowhere, runningMachine } from "../crash/stage.ts"
import { bytesOf, right, settled, upload } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, member, volumeOf, snapshotOf } = house

describe("asking twice under one key", () => {
  const repeat = { key: "k1", requestHash: "h1" }

  test("is asking once, and the second answer says so", async () => {
    const wish = { name: "v", sizeBytes: MiB }
    const first = right(await core().volumes.create({ who: house.stage.who, repeat }, wish))
    const second = right(await core().volumes.create({ who: house.stage.who, repeat }, wish))
    expect(second.operation.id).toBe(first.operation.id)
    expect(second.resource.id).toBe(first.resource.id)
    expect(second.replayed).toBe(true)
    expect(right(await core().volumes.list(house.stage.who, { limit: 10 }))).toHaveLength(1)
  })

  test("for something else is refused, and for another user is another key", async () => {
    const wish = { name: "v", sizeBytes: MiB }
    right(await core().volumes.create({ who: house.stage.who, repeat }, wish))
    const other = { ...repeat, requestHash: "h2" }
    expect(
      faultOf(await core().volumes.create({ who: house.stage.who, repeat: other }, wish)),
    ).toBe("key-reused")
    const alice = await member("alice")
    expect(faultOf(await core().volumes.create({ who: alice, repeat: other }, wish))).toBe("none")
  })

  test("holds for accounts, whose secrets are shown only once", async () => {
    const asking = { who: house.stage.who, repeat }
    const first = right(await core().identity.createAccount(asking, { login: "alice" }))
    const second = right(await core().identity.createAccount(asking, { login: "alice" }))
    expect(second.account).toEqual(first.account)
    expect(second).toMatchObject({ password: null, apiKey: null, token: null, refreshToken: null })
    expect(
      JSON.stringify(
        await house.stage.making.ledger.read.repeats.get(house.stage.who.userId, "k1"),
      ),
    ).not.toContain(first.token)
  })

  test("holds for a command in a guest", async () => {
    const { machine } = await runningMachine(house.stage)
    const asking = { who: house.stage.who, repeat }
    const wish = { argv: ["read", "1", "0", "3"] }
    const first = right(await core().machines.exec(asking, machine, wish))
    await house.stage.making.poke(house.stage.host, machine, 1, "two")
    const second = right(await core().machines.exec(asking, machine, wish))
    expect(second.stdout.toString()).toBe(first.stdout.toString())
  })

  test("what was refused is not remembered", async () => {
    const wrong = { name: "v", sizeBytes: 1 }
    const wish = { name: "v", sizeBytes: MiB }
    expect(faultOf(await core().volumes.create({ who: house.stage.who, repeat }, wrong))).toBe(
      "invalid",
    )
    expect(faultOf(await core().volumes.create({ who: house.stage.who, repeat }, wish))).toBe(
      "none",
    )
  })
})

describe("several at once", () => {
  test("snapshots of one machine queue and are each other's parents, in order", async () => {
    const { machine } = await runningMachine(house.stage)
    const source = { kind: "machine", id: machine } as const
    const asked = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        core().snapshots.create({ who: house.stage.who }, { name: `s${i}`, source }),
      ),
    )
    for (const each of asked) await settled(house.stage.service, house.stage.making.ledger, each)
    const all = right(await core().snapshots.list(house.stage.who, { limit: 10, source }))
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
    const { who } = house.stage
    const made = right(await core().volumes.create({ who }, { name: "v", sizeBytes: MiB }))
    const source = { kind: "volume", id: made.resource.id } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    await settled(house.stage.service, house.stage.making.ledger, taken)
  })

  test("one deleted while it is being taken is gone and stays gone", async () => {
    const { volume } = await filledVolume(house.stage, "x")
    const { who } = house.stage
    const source = { kind: "volume", id: volume } as const
    const taken = await core().snapshots.create({ who }, { name: "s", source })
    const { id } = right(taken).resource
    const removed = await core().snapshots.remove({ who }, id)
    await settled(house.stage.service, house.stage.making.ledger, removed)
    expect(faultOf(await core().snapshots.get(who, id))).toBe("not-found")
    expect(right(await core().snapshots.list(who, { limit: 10 }))).toEqual([])
    expect(await house.stage.making.ledger.read.snapshots.count({})).toBe(0)
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
      core().volumes.grow({ who: bob }, v, 2 ** 30),
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
    expect(await contentOf({ ...house.stage, who: alice }, volume.id)).toBe("")
  })

  test("machines too, with everything one can ask of them", async () => {
    const { machine, extra } = await runningMachine(house.stage)
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
    expect(right(await core().volumes.list(house.stage.who, everything))).toHaveLength(1)
    expect(right(await core().volumes.list(house.stage.who, { limit: 10 }))).toHaveLength(0)
    expect(right(await core().volumes.get(house.stage.who, volume.id)).id).toBe(volume.id)
    const acting = right(await core().identity.actFor(house.stage.who, "alice"))
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
