/**
 * Cuts the description of the IaaS API down to what this service serves of it:
 * `node tools/iaas-document.ts ORIGINAL`, where ORIGINAL is `vra-iaas.json` of the project
 * vmware/vra-sdk-go (Apache License 2.0). Run again when the face gets a route.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath, pathToFileURL } from "node:url"
import { faces } from "../src/faces/registry.ts"

type Json = { [name: string]: unknown }
type Document = Json & {
  paths: Record<string, Json>
  definitions: Record<string, Json>
  info: Json
}

/** What this service tells beyond the original; all of it may be left out. */
const number = { type: "number" }
const text = { type: "string" }
const ours: Record<string, Json> = {
  Snapshot: {
    customProperties: { type: "object", additionalProperties: text },
    snapshotMemory: { type: "boolean", description: "The guest's memory is part of it." },
    provisioningStatus: { type: "string", enum: ["PROVISIONING", "READY"] },
    parentId: { type: "string", description: "The snapshot that it was taken on." },
    consistency: {
      type: "object",
      description: "What it can promise, and for how long the guest stood still, in milliseconds.",
      properties: {
        label: { type: "string", enum: ["crash", "filesystem", "memory"] },
        pauseMs: number,
        freezeMs: number,
        skewMs: number,
        note: text,
      },
    },
    sizeInBytes: { type: "integer", format: "int64" },
    freedIfDeletedInBytes: { type: "integer", format: "int64" },
  },
}

function cut(original: Document, served: readonly string[]): Document {
  const { host, schemes, ...rest } = original
  const paths: Document["paths"] = {}
  for (const [path, operations] of Object.entries(original.paths)) {
    const kept = Object.entries(operations).filter(([method]) =>
      served.includes(`${method} ${anonymous(path)}`),
    )
    if (kept.length > 0) paths[path] = Object.fromEntries(kept)
  }
  const names = new Set<string>()
  collect(paths, original.definitions, names)
  const definitions = Object.fromEntries(
    [...names].sort().map((name) => [name, extended(name, original.definitions[name] ?? {})]),
  )
  const used = new Set(Object.values(paths).flatMap(Object.values).flatMap(tagsOf))
  const tags = [...used].sort().map((name) => ({ name }))
  const note =
    "From vmware/vra-sdk-go, Copyright (c) 2019 VMware, Inc., Apache License 2.0; changed: " +
    "cut down to what is served here, with a few members more."
  return { ...rest, info: { ...original.info, "x-origin": note }, tags, paths, definitions }
}

const tagsOf = (operation: Json): string[] => operation["tags"] as string[]
const anonymous = (path: string) => path.replaceAll(/\{\w+\}|:\w+/g, "{}")

function extended(name: string, definition: Json): Json {
  const more = ours[name]
  if (more === undefined) return definition
  return { ...definition, properties: { ...(definition["properties"] as Json), ...more } }
}

/** The names of all definitions that something refers to, whether at once or by others. */
function collect(value: unknown, definitions: Record<string, Json>, names: Set<string>): void {
  if (typeof value !== "object" || value === null) return
  for (const [key, member] of Object.entries(value)) {
    if (key !== "$ref") {
      collect(member, definitions, names)
      continue
    }
    const name = String(member).replace("#/definitions/", "")
    if (names.has(name)) continue
    names.add(name)
    collect(definitions[name], definitions, names)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const original = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Document
  const settings = { maxSnapshots: 1, onLimit: "fail", tokenLifeMs: 1 } as const
  const face = faces.iaas({ iaas: settings } as Parameters<typeof faces.iaas>[0])
  const served = face.routes.map(({ method, path }) => `${method.toLowerCase()} ${anonymous(path)}`)
  const place = new URL("../src/faces/iaas/vra-iaas.json", import.meta.url)
  writeFileSync(fileURLToPath(place), `${JSON.stringify(cut(original, served))}\n`)
}
