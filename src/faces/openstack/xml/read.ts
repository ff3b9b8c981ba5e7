/**
 * From bytes to elements, for documents of strangers: UTF-8 only, no document type and so no
 * entities but XML's own five, no illegal characters, nothing that is not well-formed. All that is
 * wrong with one is `invalid`; nothing is ever fetched or expanded. White space before the
 * declaration is forgiven: examples in the documents are indented, and people copy them.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { isLegal, unescaped } from "./characters.ts"

export type XmlElement = {
  /** With its prefix. */
  name: string
  attributes: readonly (readonly [name: string, value: string])[]
  children: readonly XmlElement[]
  /** What stands directly in it, CDATA included. */
  text: string
}

/** Deeper than anything that is ever wished for here. */
const mostNested = 16

export function readXml(bytes: Uint8Array): Result<XmlElement> {
  const text = decoded(bytes)?.replace(/^[\t\n\r ]+/, "")
  if (text === undefined) return refused("the XML is not UTF-8")
  if (!isLegal(text)) return refused("the XML has characters that XML does not allow")
  if (!isDeclaredUtf8(text)) return refused("the XML says that it is not UTF-8")
  const trouble = markupTrouble(text)
  if (trouble !== undefined) return refused(trouble)
  const root = parsed(text)
  return root === undefined ? refused("the body is not well-formed XML") : ok(root)
}

const refused = (why: string) => no({ kind: "invalid", why })

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** A byte order mark of its own encoding is dropped; UTF-16's are no UTF-8. */
const utf8 = new TextDecoder("utf-8", { fatal: true })

function isDeclaredUtf8(text: string): boolean {
  const declaration = /^<\?xml[^?]{0,200}?encoding\s*=\s*["']([\w.-]*)["']/.exec(text)
  return declaration === null || /^(utf-8|us-ascii)$/i.test(declaration[1] ?? "")
}

/** Steps over comments and CDATA, so that only real markup is looked at; each sign is seen once. */
function markupTrouble(text: string): string | undefined {
  let at = text.indexOf("<!")
  while (at !== -1) {
    const close = text.startsWith("<!--", at)
      ? "-->"
      : text.startsWith("<![CDATA[", at)
        ? "]]>"
        : undefined
    if (close === undefined) return "a document type and entities are not accepted"
    const end = text.indexOf(close, at + 4)
    if (end === -1) return "the body is not well-formed XML"
    at = text.indexOf("<!", end)
  }
  return undefined
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: "#cdata",
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: mostNested,
})

type Node = { ":@"?: Record<string, string>; "#text"?: string } & { [tag: string]: unknown }

/** The parser throws at names that are dangerous in JavaScript: no wish has any of them. */
function parsed(text: string): XmlElement | undefined {
  try {
    if (XMLValidator.validate(text) !== true || text.trimEnd().at(-1) !== ">") return undefined
    const nodes = parser.parse(text) as Node[]
    const roots = nodes.filter((node) => tagOf(node) !== undefined)
    const [root] = roots
    return root === undefined || roots.length > 1 ? undefined : elementOf(root)
  } catch {
    return undefined
  }
}

const tagOf = (node: Node): string | undefined =>
  Object.keys(node).find((key) => key !== ":@" && !key.startsWith("#"))

class Malformed extends Error {}

function elementOf(node: Node): XmlElement {
  const name = tagOf(node) ?? ""
  const within = node[name] as Node[]
  const attributes = Object.entries(node[":@"] ?? {}).map(
    ([key, value]) => [key, attributeValue(value)] as const,
  )
  const children = within.filter((child) => tagOf(child) !== undefined).map(elementOf)
  return { name, attributes, children, text: within.map(textOf).join("") }
}

function textOf(node: Node): string {
  const cdata = node["#cdata"] as Node[] | undefined
  if (cdata !== undefined) return cdata.map((each) => each["#text"] ?? "").join("")
  return node["#text"] === undefined ? "" : meant(node["#text"])
}

function attributeValue(value: string): string {
  if (value.includes("<")) throw new Malformed("an attribute with markup")
  // As XML's own rule has it: what stands there as white space is a space.
  return meant(value.replace(/\r\n|[\t\n\r]/g, " "))
}

function meant(text: string): string {
  const plain = unescaped(text)
  if (plain === undefined) throw new Malformed("an unknown entity")
  return plain
}
