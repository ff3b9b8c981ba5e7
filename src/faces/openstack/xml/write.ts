/** From elements to a document that every XML parser takes: prefixes declared, all text escaped. */
import { escaped } from "./characters.ts"

export type XmlTree = {
  name: string
  attributes?: readonly (readonly [name: string, value: string])[]
  children?: readonly XmlTree[]
  text?: string
}

/** What each prefix stands for. One that is not in here is a bug. */
export type Prefixes = Readonly<Record<string, string>>

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

export function writeXml(root: XmlTree, namespace: string, prefixes: Prefixes): string {
  const declared = [...prefixesOf(root)].sort().map((prefix) => {
    const meaning = prefixes[prefix]
    if (meaning === undefined) throw new Error(`the prefix ${prefix} is not declared`)
    return [`xmlns:${prefix}`, meaning] as const
  })
  const attributes = [["xmlns", namespace] as const, ...declared, ...(root.attributes ?? [])]
  return `${declaration}${written({ ...root, attributes })}\n`
}

function written({ name, attributes = [], children = [], text = "" }: XmlTree): string {
  const said = attributes.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("")
  const within = escaped(text) + children.map(written).join("")
  return within === "" ? `<${name}${said}/>` : `<${name}${said}>${within}</${name}>`
}

function prefixesOf({ name, attributes = [], children = [] }: XmlTree): Set<string> {
  const own = [name, ...attributes.map(([key]) => key)]
    .filter((each) => each.includes(":"))
    .map((each) => each.slice(0, each.indexOf(":")))
  return new Set([...own, ...children.flatMap((child) => [...prefixesOf(child)])])
}
