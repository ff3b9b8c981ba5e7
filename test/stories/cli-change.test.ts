/** What the command line sends when machines and volumes are changed, resized and copied. */
import { afterEach, describe, expect, test } from "vitest"
import { type Script, type StandIn, standIn, tintype } from "./cli-stand-in.ts"

const id = "01938000-0000-7000-8000-000000000001"
const other = "01938000-0000-7000-8000-000000000002"
const work = "01938000-0000-7000-8000-0000000000aa"
const started = { json: { id, name: "web", state: "stopped", operationId: work }, status: 202 }

let server: StandIn | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** What was asked last, and the body that went with it. */
async function sent(script: Script, ...argv: string[]): Promise<[asked: string, body: unknown]> {
  server = await standIn(script)
  const ran = await tintype(server.url, ...argv, "-o", "json")
  expect(ran.stderr).toBe("")
  expect(ran.code).toBe(0)
  const last = server.heard.at(-1)
  return [server.asked().at(-1) ?? "", JSON.parse(last?.body.toString() ?? "")]
}

describe("a machine", () => {
  test("is resized", async () => {
    const path = `POST /api/machines/${id}/resize`
    const words = ["--memory", "512", "--cpus", "2", "--restart"]
    expect(await sent({ [path]: started }, "machine", "resize", id, ...words)).toEqual([
      path,
      { memoryMiB: 512, cpus: 2, restart: true },
    ])
  })

  test("is named, labelled and protected", async () => {
    const path = `PATCH /api/machines/${id}`
    const labels = ["--description", "d", "--tag", "a=b=c", "--tag", "e=", "--metadata", "m=1"]
    const words = ["--name", "new", ...labels, "--protect"]
    expect(await sent({ [path]: started }, "machine", "change", id, ...words)).toEqual([
      path,
      {
        name: "new",
        description: "d",
        metadata: { m: "1" },
        tags: { a: "b=c", e: "" },
        deletionProtected: true,
      },
    ])
  })

  test("is no longer protected", async () => {
    const path = `PATCH /api/machines/${id}`
    const change = ["machine", "change", id, "--no-protect"]
    expect(await sent({ [path]: started }, ...change)).toEqual([path, { deletionProtected: false }])
  })
})

describe("a volume", () => {
  test("is grown", async () => {
    const path = `POST /api/volumes/${id}/grow`
    const words = ["volume", "grow", id, "--size", "3G"]
    expect(await sent({ [path]: started }, ...words)).toEqual([path, { sizeBytes: 3 * 2 ** 30 }])
  })

  const path = "POST /api/volumes"
  const create = ["volume", "create", "--name", "v"]

  test("is made from one volume of a machine's snapshot", async () => {
    const words = ["--from-snapshot", id, "--volume", other]
    expect(await sent({ [path]: started }, ...create, ...words)).toEqual([
      path,
      { name: "v", snapshotId: id, volumeId: other },
    ])
  })

  test("is made as a copy of another", async () => {
    expect(await sent({ [path]: started }, ...create, "--clone-of", other)).toEqual([
      path,
      { name: "v", cloneOf: other },
    ])
  })

  test("is named anew", async () => {
    const change = `PATCH /api/volumes/${id}`
    const words = ["volume", "change", id, "--name", "new"]
    expect(await sent({ [change]: started }, ...words)).toEqual([change, { name: "new" }])
  })
})

test("a change of nothing, or of half a pair, is typed wrongly and not sent", async () => {
  server = await standIn({})
  for (const words of [[], ["--tag", "a"], ["--metadata", "=b"]]) {
    expect((await tintype(server.url, "machine", "change", id, ...words)).code).toBe(2)
  }
  expect(server.heard).toEqual([])
})
