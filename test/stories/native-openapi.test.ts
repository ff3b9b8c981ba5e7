/** The OpenAPI document: whole, consistent in itself, and of every route. */
import { expect, test } from "vitest"
import { openApi } from "../../src/faces/native/openapi.ts"
import { faces } from "../../src/faces/registry.ts"

const { routes } = faces.native()
// biome-ignore lint/suspicious/noExplicitAny: a document is looked into at every depth
const document = JSON.parse(JSON.stringify(openApi(routes, "1.2.3"))) as any

type Node = { at: string; value: Record<string, unknown> }

function* nodes(value: unknown, at = "#"): Generator<Node> {
  if (typeof value !== "object" || value === null) return
  if (!Array.isArray(value)) yield { at, value: value as Record<string, unknown> }
  for (const [key, inner] of Object.entries(value)) yield* nodes(inner, `${at}/${key}`)
}

test("is of version 3.1 and says what it is of", () => {
  expect(document.openapi).toMatch(/^3\.1\.\d$/)
  expect(document.info).toMatchObject({ title: "Tintype", version: "1.2.3" })
})

test("every route has a story", () => {
  expect(routes.filter(({ story }) => story === undefined)).toEqual([])
})

test("has every route, each with a name of its own, and nothing else", () => {
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const there = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`)
  expect(told.toSorted()).toEqual(there.toSorted())
  const names = operations().map(({ operationId }) => operationId)
  expect(new Set(names).size).toBe(names.length)
})

const operations = () =>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  Object.values(document.paths).flatMap((methods) => Object.values(methods as object)) as any[]

test("every reference leads somewhere", () => {
  const refs = [...nodes(document)].filter(({ value }) => typeof value["$ref"] === "string")
  expect(refs.length).toBeGreaterThan(100)
  for (const { at, value } of refs) {
    const steps = (value["$ref"] as string).replace(/^#\//, "").split("/")
    const target = steps.reduce((node, step) => node?.[step], document)
    expect(target, `${at} -> ${value["$ref"]}`).toBeTypeOf("object")
  }
})

test("every component is used, and is a schema that stands by itself", () => {
  const text = JSON.stringify(document)
  for (const [id, schema] of Object.entries(document.components.schemas)) {
    expect(text, id).toContain(`"#/components/schemas/${id}"`)
    expect(Object.keys(schema as object).length, id).toBeGreaterThan(0)
    expect(schema, id).not.toHaveProperty("$schema")
    expect(schema, id).not.toHaveProperty("$defs")
  }
})

test("every parameter of a path is told and required", () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    for (const { parameters } of Object.values(
      methods as Record<string, { parameters: never[] }>,
    )) {
      const told = parameters.filter((one) => one["in"] === "path")
      expect(told.map((one) => one["name"])).toEqual(inPath)
      expect(told.every((one) => one["required"] === true)).toBe(true)
    }
  }
})

test("tells numbers and flags of a query as what they mean, not as the text they are", () => {
  const { parameters } = document.paths["/api/machines"].get
  const named = (name: string) => parameters.find((one: { name?: string }) => one.name === name)
  expect(named("limit")).toEqual({
    name: "limit",
    in: "query",
    schema: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
  })
  expect(named("allAccounts").schema).toEqual({ type: "boolean" })
})

test("tells what a wish must hold, and what belongs to whom", () => {
  const { MachineWish, Machine, MachineStarted } = document.components.schemas
  expect(MachineWish).toMatchObject({
    type: "object",
    additionalProperties: false,
    required: ["name", "imageId"],
  })
  expect(MachineWish.properties.cpus).toEqual({ type: "integer", minimum: 1, maximum: 64 })
  expect(Machine.required).toContain("reason")
  expect(MachineStarted.allOf[0]).toEqual({ $ref: "#/components/schemas/Machine" })
})

test("every answer that is not good is a problem", () => {
  for (const operation of operations()) {
    expect(operation.responses.default).toEqual({ $ref: "#/components/responses/Problem" })
  }
  const { post, get } = document.paths["/api/machines"]
  const repeat = { $ref: "#/components/parameters/IdempotencyKey" }
  expect(post.parameters).toContainEqual(repeat)
  expect(get.parameters).not.toContainEqual(repeat)
  expect(document.paths["/livez"].get.security).toEqual([])
})
