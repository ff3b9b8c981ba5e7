/** No account sees, touches or can tell apart another's things: every route is tried. */
import { expect, test } from "vitest"
import { done } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { cloudapiFace, cloudapiForEachTest } from "../fixtures/cloudapi-house.ts"

const cloud = cloudapiForEachTest()

/** What a stranger is told of things that are, and of things that never were. */
const never = "01930000-0000-7000-8000-000000000001"

const bodies: Record<string, object> = {
  "POST /:account/machines/:id": { action: "stop" },
  "POST /:account/machines": { package: "sample-256M" },
  "POST /:account/machines/:id/tags": { a: "b" },
  "PUT /:account/machines/:id/tags": { a: "b" },
  "POST /:account/machines/:id/metadata": { a: "b" },
  "PUT /:account/machines/:id/metadata": { a: "b" },
}

async function scene() {
  const anna = await cloud.tenant("anna")
  const mark = await cloud.tenant("mark")
  const machine = await cloud.machine(anna.who, "annas")
  const { core } = cloud.house.stage.service
  const source = { kind: "machine", id: machine } as const
  const wish = { name: "secret", source }
  await done(cloud.house.stage, core.snapshots.create({ who: anna.who }, wish))
  right(await core.machines.change({ who: anna.who }, machine, { tags: { role: "secret" } }))
  return { anna, mark, machine, core }
}

const words = (text: string) => text.replaceAll(never, "ID")

test("what is another's answers as what is not there", async () => {
  const { anna, mark, machine, core } = await scene()
  const before = right(await core.machines.get(anna.who, machine))
  const routes = cloudapiFace().routes.filter(({ path }) => /:id/.test(path))
  expect(routes.length).toBeGreaterThan(20)
  const image = before.imageId
  for (const { method, path } of routes) {
    const pathOf = (id: string) =>
      path
        .replace(":account", "my")
        .replace(":id", id)
        .replace(":name", "secret")
        .replace(":key", "role")
    const body = bodies[`${method} ${path}`]
    const older = path.includes("datasets")
    const headers: Record<string, string> = older ? { "accept-version": "~7.3" } : {}
    const sent = { method, headers, ...(body === undefined ? {} : { body }) }
    const theirs = older || path.includes("images") ? image : machine
    const [real, none] = [await mark.ask(pathOf(theirs), sent), await mark.ask(pathOf(never), sent)]
    const place = `${method} ${path}`
    if (path.includes("packages")) continue
    expect([place, none.status]).toEqual([place, 404])
    expect([place, real.status]).toEqual([place, 404])
    const told = words(real.bytes.toString().replaceAll(theirs, never))
    expect([place, told]).toEqual([place, words(none.bytes.toString())])
  }
  expect(right(await core.machines.get(anna.who, machine))).toMatchObject({
    state: before.state,
    tags: before.tags,
    metadata: before.metadata,
  })
  expect(right(await core.snapshots.list(anna.who, { limit: 9 }))).toHaveLength(1)
})

test("and under the other's own name it is forbidden before it is looked for", async () => {
  const { mark, machine } = await scene()
  for (const { method, path } of cloudapiFace().routes) {
    if (!path.includes(":account")) continue
    const pathOf = (account: string) =>
      path.replace(":account", account).replace(":id", machine).replace(/:\w+/g, "secret")
    const [real, none] = [
      await mark.ask(pathOf("anna"), { method }),
      await mark.ask(pathOf("nobody"), { method }),
    ]
    expect([path, real.status, none.status]).toEqual([path, 403, 403])
    const told = real.bytes.toString().replaceAll("anna", "nobody")
    expect([path, told]).toEqual([path, none.bytes.toString()])
  }
})

test("lists hold nothing of another's, and machines cannot be made of another's images", async () => {
  const { anna, mark, machine, core } = await scene()
  for (const what of ["machines", "images?state=all", "volumes", "machines?tag.role=secret"]) {
    expect([what, (await mark.ask(`/my/${what}`)).json]).toEqual([what, []])
  }
  expect((await mark.ask("/my/keys")).json).toHaveLength(1)
  const annie = { name: "annie", account: "anna" }
  right(await core.identity.createUser({ who: cloud.house.stage.who }, annie))
  expect((await mark.ask("/my/users")).json).toEqual([])
  for (const path of ["", "/keys", "/keys/x"]) {
    const of = async (user: string) => {
      const { status, bytes } = await mark.ask(`/my/users/${user}${path}`)
      return [status, bytes.toString().replaceAll(user, "USER")]
    }
    expect(await of("annie")).toEqual(await of("never"))
  }
  const { imageId } = right(await core.machines.get(anna.who, machine))
  const make = (image: string) =>
    mark.ask("/my/machines", { method: "POST", body: { image, package: "sample-256M" } })
  const [real, none] = [await make(imageId), await make(never)]
  expect([real.status, none.status]).toEqual([409, 409])
  expect(real.bytes.toString().replaceAll(imageId, never)).toBe(none.bytes.toString())
})

test("every route but ping wants to know who asks", async () => {
  for (const { method, path, open } of cloudapiFace().routes) {
    const asked = path.replace(/:\w+/g, "x")
    const { status } = await cloud.wire.ask(asked, { method, token: null })
    expect([path, status]).toEqual([path, open ? 200 : 401])
  }
})
