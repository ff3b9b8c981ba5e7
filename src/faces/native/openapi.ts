/**
 * The OpenAPI 3.1 document, told by the routes themselves: what guards them is what describes
 * them, so the two cannot drift apart.
 */
import { z } from "zod"
import type { Route, RouteStory } from "../face.ts"
import { Problem, problemType } from "./problem.ts"
import { components, toldAs } from "./wire/words.ts"

type Json = Record<string, unknown>

export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}")
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: "3.1.1",
    info: { title: "Tintype", version, summary: "Snapshots of machines and volumes" },
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      parameters: sharedParameters,
      responses: {
        Problem: {
          description: "What went wrong",
          content: { [problemType]: { schema: schemaOf(Problem) } },
        },
      },
    },
  }
}

function operation(route: Route): Json {
  const { story } = route
  if (story === undefined) throw new Error(`${route.method} ${route.path} has no story`)
  return {
    operationId: operationId(route),
    summary: story.summary,
    tags: [story.tag],
    parameters: [
      ...parametersOf(story.params, "path"),
      ...parametersOf(story.query, "query"),
      ...shared(route),
    ],
    ...requestBody(route, story),
    responses: { ...responses(story), default: { $ref: "#/components/responses/Problem" } },
    ...(route.open ? { security: [] } : {}),
  }
}

/** Such as `postApiMachinesIdStart`: stable, and unlike that of any other route. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[^\w]+/).filter((word) => word !== "")
  return [
    method.toLowerCase(),
    ...words.map((word) => word[0]?.toUpperCase() + word.slice(1)),
  ].join("")
}

const sharedParameters = {
  Account: {
    name: "X-Tintype-Account",
    in: "header",
    description: "The administrator acts for this account: login, tenant id or account number.",
    schema: { type: "string", maxLength: 255 },
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "A request sent again under the same key is answered, not redone.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
}

function shared({ method, open }: Route): Json[] {
  if (open) return []
  const account = { $ref: "#/components/parameters/Account" }
  const repeat = { $ref: "#/components/parameters/IdempotencyKey" }
  return method === "POST" ? [account, repeat] : [account]
}

function parametersOf(schema: z.ZodType | undefined, place: "path" | "query"): Json[] {
  if (schema === undefined) return []
  const { properties, required } = schemaOf(schema) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties ?? {}).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    ...(description === undefined ? {} : { description }),
    ...(required?.includes(name) ? { required: true } : {}),
    schema,
  }))
}

function requestBody(route: Route, story: RouteStory): Json {
  if (route.streaming) {
    return { requestBody: { required: true, content: { "application/octet-stream": {} } } }
  }
  if (story.body === undefined) return {}
  return { requestBody: { content: { "application/json": { schema: schemaOf(story.body) } } } }
}

function responses(story: RouteStory): Json {
  const each = Object.entries(story.answers).map(([status, answer]) => {
    const description = descriptions[status] ?? "Done"
    if (answer === null) return [status, { description }]
    const content =
      typeof answer === "string"
        ? { [answer]: {} }
        : { "application/json": { schema: schemaOf(answer) } }
    return [status, { description, content }]
  })
  return Object.fromEntries(each)
}

const descriptions: Record<string, string> = {
  200: "Done",
  201: "Made",
  202: "Accepted; the operation goes on",
  503: "Not now",
}

const refTo = (id: string) => `#/components/schemas/${id}`

const options = {
  // What a client writes: defaults may be left out, and ids are still text.
  io: "input",
  override({ zodSchema, jsonSchema }: { zodSchema: object; jsonSchema: object }) {
    const told = toldAs.get(zodSchema)
    if (told === undefined) return
    for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key)
    Object.assign(jsonSchema, told)
  },
} as const

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(components, { ...options, uri: refTo })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]))
}

/** A reference where the schema, or the one it reads before it goes on, has a name. */
function schemaOf(schema: z.ZodType): Json {
  const source = schema instanceof z.ZodPipe ? (schema.def.in as z.ZodType) : schema
  const id = components.get(source)?.id
  return id === undefined ? bare(z.toJSONSchema(source, options)) : { $ref: refTo(id) }
}

function bare({ $schema, $id, ...schema }: Json): Json {
  return schema
}
