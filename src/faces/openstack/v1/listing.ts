/** Which of many: pages by number, as this API has them. */
import type { Listing } from "../../../core/core.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import { type Asked, bad, good, type Read } from "./route.ts"
import { truthOf } from "./words.ts"

const most = 1000

/** `all_tenants` of anybody but the administrator is not looked at: clients send it always. */
export function readListing(asked: Asked): Read<Listing & { limit: number }> {
  const limit = readCount(asked, "limit")
  if (!limit.ok) return limit
  const offset = readCount(asked, "offset")
  if (!offset.ok) return offset
  const name = oneOf(asked, "display_name") ?? oneOf(asked, "name")
  const all = asked.who.everywhere && truthOf(oneOf(asked, "all_tenants") ?? "0") === true
  return good({
    limit: Math.min(limit.value || most, most),
    order: "newest-first",
    ...(offset.value > 0 ? { offset: offset.value } : {}),
    ...(name === undefined ? {} : { name }),
    ...(all ? { allAccounts: true } : {}),
  })
}

/**
 * What the core cannot sort out by itself is looked through, page by page, until there is enough
 * for the page that is asked for.
 */
export async function thoseThat<T extends { id: string }>(
  fits: (thing: T) => boolean,
  { limit, offset = 0, ...listing }: Listing & { limit: number },
  list: (listing: Listing) => Promise<Result<T[]>>,
): Promise<Result<T[]>> {
  const found: T[] = []
  for (let after: string | undefined; ; ) {
    const from = after === undefined ? {} : { after }
    const page = await list({ ...listing, ...from, limit: most })
    if (!page.ok) return page
    found.push(...page.value.filter(fits))
    after = page.value.at(-1)?.id
    if (page.value.length < most || found.length >= offset + limit) {
      return ok(found.slice(offset, offset + limit))
    }
  }
}

/** Of a parameter given several times the last one counts. */
export function oneOf({ query }: Asked, name: string): string | undefined {
  const value = query[name]
  return typeof value === "string" ? value : value?.at(-1)
}

function readCount(asked: Asked, name: string): Read<number> {
  const text = oneOf(asked, name) ?? ""
  if (text === "") return good(0)
  if (/^-\d+$/.test(text)) return bad(asked.refuse(400, `${name} param must be positive`))
  const count = Number(text)
  if (!/^\d{1,15}$/.test(text)) return bad(asked.refuse(400, `${name} param must be an integer`))
  return good(count)
}
