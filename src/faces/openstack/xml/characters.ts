/** Which characters XML 1.0 (fifth edition, section 2.2) can carry, and how they are written. */

const illegal = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
const allIllegal = new RegExp(illegal.source, "gu")

export const isLegal = (text: string): boolean => !illegal.test(text)

/**
 * Text as an attribute or an element may hold it. What XML cannot carry at all, escaped or not,
 * becomes U+FFFD: the document stays well-formed, whatever somebody called his volume.
 */
export const escaped = (text: string): string =>
  text.replace(allIllegal, "\ufffd").replace(/[&<>"'\t\n\r]/g, (sign) => escapes[sign] ?? sign)

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  // A parser may turn these into plain spaces where they stand for themselves.
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
}

/**
 * The text that was meant; undefined where there is an entity other than the five that XML has by
 * itself, a bare `&`, or a reference to a character that XML does not have.
 */
export function unescaped(text: string): string | undefined {
  let right = true
  const plain = text.replace(reference, (whole, name: string | undefined) => {
    const meant = name === undefined ? undefined : meaningOf(name)
    if (meant === undefined) right = false
    return meant ?? whole
  })
  return right ? plain : undefined
}

const reference = /&(?:(#x[0-9a-fA-F]{1,8}|#[0-9]{1,8}|[a-z]{1,8});)?/g
const named = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
])

function meaningOf(name: string): string | undefined {
  if (!name.startsWith("#")) return named.get(name)
  const code = name.startsWith("#x")
    ? Number.parseInt(name.slice(2), 16)
    : Number.parseInt(name.slice(1), 10)
  if (code > 0x10ffff) return undefined
  const sign = String.fromCodePoint(code)
  return isLegal(sign) ? sign : undefined
}
