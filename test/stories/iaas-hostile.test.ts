/** Whatever is sent, it is refused in this face's own words, nothing breaks and nothing changes. */
import { beforeEach, expect, test } from "vitest"
import { iaasFace, iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"

const iaas = iaasForEachTest()
let mallory: Tenant
beforeEach(async () => {
  mallory = await iaas.tenant("mallory")
})

const deep = (open: string, close: string, levels = 100_000) =>
  open.repeat(levels) + close.repeat(levels)
const bodies: [what: string, body: string | Buffer][] = [
  ["null", "null"],
  ["a text", '"x"'],
  ["a list", "[1]"],
  ["cut", '{"name":'],
  ["no UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ["lists in lists", deep("[", "]")],
  ["objects in objects", `${deep('{"name":', "}").replace("}", "1}")}`],
  ["deep members", `{"bootConfig":${deep("[", "]")},"name":"x","image":"i","flavor":"small"}`],
  ["deep labels", `{"customProperties":{"a":${deep("[", "]")}},"name":"x","capacityInGB":1}`],
  ["numbers", '{"name":1,"customProperties":7,"tags":7,"capacityInGB":"1","username":1}'],
  ["huge numbers", '{"name":"x","capacityInGB":1e308,"machineCount":1e308}'],
  ["a prototype", '{"name":"x","__proto__":{"a":1},"customProperties":{"__proto__":"y"}}'],
  ["half a character", '{"name":"\\ud800","capacityInGB":1}'],
  ["control characters", '{"name":"\\u0000\\n","capacityInGB":1}'],
  ["a long name", JSON.stringify({ name: "x".repeat(10_000), capacityInGB: 1 })],
  ["many labels", JSON.stringify({ name: "x", capacityInGB: 1, tags: Array(1001).fill({}) })],
]
const state = async () => {
  const nouns = ["machines", "block-devices", "request-tracker"]
  return await Promise.all(
    nouns.map(async (noun) => (await mallory.ask("GET", `/iaas/api/${noun}`)).json),
  )
}

test.each(bodies)("a body of %s", async (_what, body) => {
  const before = await state()
  const nowhere = "01930000-0000-7000-8000-00000000dead"
  for (const { method, path } of iaasFace().routes) {
    if (method === "GET" || path.endsWith("/operations/suspend")) continue
    const { status, json } = await mallory.ask(method, path.replaceAll(/:\w+/g, nowhere), { body })
    expect([method, path, status]).toEqual([method, path, expect.toBeOneOf([400, 403, 404])])
    expect(json).toMatchObject({ statusCode: status, stackTrace: [] })
  }
  expect(await state()).toEqual(before)
})

test.each([
  "$filter=%00",
  "$filter=name%20eq%20%27%ff%27",
  `$filter=${"(".repeat(3000)}`,
  "$orderby=__proto__",
  "$select=__proto__,constructor",
  "$top=99999999999999999999",
  "$skip=1e9",
  "$top[]=1&$top[a]=2",
  "$filter=name eq 'a'&$filter=name eq 'b'".replaceAll(" ", "%20"),
])("a query of %s", async (query) => {
  for (const noun of ["machines", "block-devices", "projects", "request-tracker"]) {
    const { status } = await mallory.ask("GET", `/iaas/api/${noun}?${query}`)
    expect(status).toBeOneOf([200, 400])
  }
})

test.each(["..", "%2e%2e%2f", "%00", "x".repeat(300), "01930000-0000-7000-8000-00000000DEAD"])(
  "an id of %s names nothing",
  async (id) => {
    for (const noun of ["machines", "block-devices", "request-tracker", "projects", "zones"]) {
      const { status } = await mallory.ask("GET", `/iaas/api/${noun}/${encodeURIComponent(id)}`)
      expect(status).toBe(404)
    }
  },
)
