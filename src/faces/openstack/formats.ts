/** JSON or XML: what a request is written in, and what its answer is to be. */
import { ok, type Result } from "../../domain/fault.ts"
import type { Answer, Request } from "../face.ts"
import { readJson } from "../read.ts"
import { bodyOf, documentOf, faultNamespace, prefixes } from "./v1/xml-shapes.ts"
import { readXml } from "./xml/read.ts"
import { writeXml } from "./xml/write.ts"

export type Format = "json" | "xml"

const suffix = /\.(json|xml)$/
export const withoutSuffix = (text: string): string => text.replace(suffix, "")

/** A suffix of the path says more than `Accept`; whoever says neither gets JSON. */
export function wantedFormat({ path, headers }: Pick<Request, "path" | "headers">): Format {
  const asked = suffix.exec(path)?.[1]
  if (asked === "json" || asked === "xml") return asked
  return accepted(headers.accept ?? "")
}

function accepted(accept: string): Format {
  let best: { format: Format; weight: number } = { format: "json", weight: 0 }
  for (const range of accept.slice(0, 1024).split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase())
    const format = formatOf(type)
    const weight = Number(parameters.find((each) => each.startsWith("q="))?.slice(2) ?? 1)
    if (format !== undefined && weight > best.weight) best = { format, weight }
  }
  return best.format
}

/** Types of vendors such as `application/vnd.openstack.volume+xml;version=1` count, too. */
function formatOf(type: string): Format | undefined {
  if (/^[\w.*-]+\/([\w.-]+\+)?xml$/.test(type)) return "xml"
  return /^([\w.*-]+\/([\w.-]+\+)?json|\*\/\*|application\/\*)$/.test(type) ? "json" : undefined
}

export type Body = Record<string, unknown>

/**
 * The wish in a body; undefined where there is none, `strange` where its type is neither of ours.
 * A client that names no type, or the one that curl sends by itself, is understood by what it
 * wrote.
 */
export function readBody({ headers, bytes }: Request): Result<Body | undefined> | "strange" {
  if (bytes.length === 0) return ok(undefined)
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? ""
  const format = vague.has(type) ? guessed(bytes) : formatOf(type)
  if (format === undefined) return "strange"
  if (format === "xml") {
    const root = readXml(bytes)
    return root.ok ? ok(bodyOf(root.value)) : root
  }
  const value = readJson(bytes)
  if (!value.ok) return value
  return ok(isBody(value.value) ? value.value : undefined)
}

export const isBody = (value: unknown): value is Body =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const vague = new Set(["", "application/x-www-form-urlencoded", "text/plain"])
const guessed = (bytes: Buffer): Format =>
  /^(\ufeff)?\s*</.test(bytes.subarray(0, 64).toString("utf8")) ? "xml" : "json"

const jsonType = { "Content-Type": "application/json" }
const xmlType = { "Content-Type": "application/xml" }

/** `body` has one field, whose name is also the name of the XML document's element. */
export function inFormat(format: Format, status: number, body: object): Answer {
  if (format === "json") return { status, headers: jsonType, body }
  const { root, namespace } = documentOf(body)
  return { status, headers: xmlType, body: writeXml(root, namespace, prefixes) }
}

export type ToldFault = {
  status: number
  name: string
  message: string
  retryAfterS?: number
}

export function faultInFormat(format: Format, told: ToldFault): Answer {
  const { status, name, message, retryAfterS } = told
  const headers = retryAfterS === undefined ? {} : { "Retry-After": `${retryAfterS}` }
  const retryAfter = retryAfterS === undefined ? {} : { retryAfter: retryAfterS }
  if (format === "json") {
    const body = { [name]: { code: status, message, ...retryAfter } }
    return { status, headers: { ...headers, ...jsonType }, body }
  }
  const children = Object.entries({ message, ...retryAfter }).map(([field, value]) => ({
    name: field,
    text: String(value),
  }))
  const root = { name, attributes: [["code", `${status}`] as const], children }
  const body = writeXml(root, faultNamespace, prefixes)
  return { status, headers: { ...headers, ...xmlType }, body }
}
