/**
 * How each thing that v1 tells as JSON is told as XML, and how XML wishes become what their JSON
 * would have been. One table; routes know nothing of it.
 */
import type { XmlElement } from "../xml/read.ts"
import type { Prefixes, XmlTree } from "../xml/write.ts"

export const volumeNamespace = "http://docs.rackspace.com/volume/api/v1"
export const faultNamespace = "http://docs.rackspace.com/cbs/api/v1.0"
const metadataNamespace = "http://docs.openstack.org/compute/api/v1.1"
const limitsNamespace = "http://docs.openstack.org/common/api/v1.0"

const extension = (name: string) => `http://docs.openstack.org/volume/ext/${name}/api/v1`
export const prefixes: Prefixes = {
  "os-extended-snapshot-attributes": extension("extended_snapshot_attributes"),
  "os-vol-tenant-attr": extension("volume_tenant_attribute"),
  "os-vol-host-attr": extension("volume_host_attribute"),
  "os-vol-mig-status-attr": extension("volume_mig_status_attribute"),
}

type Shape =
  /** Plain fields are attributes, others are elements; `also`: fields told under a second name. */
  | { kind: "attributes"; also?: Readonly<Record<string, string>> }
  /** Plain fields are elements, but the id. */
  | { kind: "elements" }
  | { kind: "list"; of: string; as?: string }
  /** One element for each entry, named by an attribute; its value is another, or the text. */
  | { kind: "entries"; of: string; key: string; value?: string; as?: string }

const shapes: Readonly<Record<string, Shape>> = {
  snapshot: { kind: "attributes", also: { created_at: "createdAt" } },
  snapshots: { kind: "list", of: "snapshot" },
  volume: { kind: "attributes", also: { created_at: "createdAt" } },
  volumes: { kind: "list", of: "volume" },
  attachments: { kind: "list", of: "attachment" },
  volume_types: { kind: "list", of: "volume_type" },
  metadata: { kind: "entries", of: "meta", key: "key" },
  meta: { kind: "entries", of: "meta", key: "key" },
  quota_set: { kind: "elements" },
  limits: { kind: "elements" },
  rate: { kind: "list", of: "rate", as: "rates" },
  absolute: { kind: "entries", of: "limit", key: "name", value: "value" },
}
const plain: Shape = { kind: "attributes" }

const namespaces: Readonly<Record<string, string>> = {
  metadata: metadataNamespace,
  meta: metadataNamespace,
  limits: limitsNamespace,
}

type Told = Readonly<Record<string, unknown>>

/** The document of an answer whose JSON has one field, its namespace with it. */
export function documentOf(body: object): { root: XmlTree; namespace: string } {
  const [name, value] = Object.entries(body)[0] ?? ["nothing", {}]
  const tree = treeOf(name, value)
  const root = name === "meta" ? (tree.children?.[0] ?? tree) : tree
  return { root, namespace: namespaces[name] ?? volumeNamespace }
}

function treeOf(name: string, value: unknown): XmlTree {
  const shape = (Object.hasOwn(shapes, name) ? shapes[name] : undefined) ?? plain
  switch (shape.kind) {
    case "list": {
      const children = (value as unknown[]).map((each) => treeOf(shape.of, each))
      return { name: shape.as ?? name, children }
    }
    case "entries": {
      const { of, key, value: told } = shape
      const children = Object.entries(value as Told).map(([entry, what]) =>
        told === undefined
          ? { name: of, attributes: [[key, entry] as const], text: textOf(what) }
          : { name: of, attributes: [[key, entry] as const, [told, textOf(what)] as const] },
      )
      return { name, children }
    }
    case "elements":
      return elementsOf(name, value as Told)
    case "attributes":
      return attributesOf(name, value as Told, shape.also ?? {})
  }
}

function elementsOf(name: string, value: Told): XmlTree {
  const { id, ...fields } = value
  const children = Object.entries(fields).map(([key, field]) => {
    if (isPlain(field)) return { name: key, text: textOf(field) }
    const known = Array.isArray(field) || shapes[key]?.kind === "entries"
    return known ? treeOf(key, field) : elementsOf(key, field as Told)
  })
  return id === undefined
    ? { name, children }
    : { name, attributes: [["id", textOf(id)]], children }
}

function attributesOf(name: string, value: Told, also: Readonly<Record<string, string>>): XmlTree {
  const attributes: (readonly [string, string])[] = []
  const children: XmlTree[] = []
  for (const [key, field] of Object.entries(value)) {
    if (isPlain(field)) {
      attributes.push([key, textOf(field)])
      if (also[key] !== undefined) attributes.push([also[key], textOf(field)])
    } else if (key === "metadata" && Object.keys(field as Told).length === 0) {
      attributes.push([key, "null"])
    } else children.push(treeOf(key, field))
  }
  return { name, attributes, children }
}

const isPlain = (value: unknown) => value === null || typeof value !== "object"

/** What is not there is told in the word of the language that this API was written in. */
const textOf = (value: unknown): string => (value === null ? "None" : String(value))

/**
 * The body that an element wishes, as JSON would have it. Attributes and children count alike;
 * prefixes and namespaces are not looked at, because clients never agreed on any.
 */
export function bodyOf(root: XmlElement): Record<string, unknown> {
  const name = localName(root.name)
  return { [name]: name === "meta" || name === "metadata" ? wishOf(root) : fieldsOf(root) }
}

function wishOf(element: XmlElement): unknown {
  const name = localName(element.name)
  if (name === "meta") return Object.fromEntries([entryOf(element)])
  if (name === "metadata") return Object.fromEntries(element.children.map(entryOf))
  const bare = element.children.length === 0 && element.attributes.length === 0
  return bare ? element.text : fieldsOf(element)
}

/** `<meta key="k">v</meta>`, or `<k>v</k>`. */
function entryOf(element: XmlElement): [string, string] {
  const key = element.attributes.find(([name]) => name === "key")?.[1]
  return [key ?? localName(element.name), element.text]
}

function fieldsOf({ attributes, children }: XmlElement): Record<string, unknown> {
  return Object.fromEntries([
    ...attributes.filter(([name]) => !/^xmlns(:|$)/.test(name)),
    ...children.map((child) => [localName(child.name), wishOf(child)] as const),
  ])
}

const localName = (name: string) => name.slice(name.indexOf(":") + 1)
