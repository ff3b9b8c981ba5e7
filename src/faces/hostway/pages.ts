/** Lists of this API have no pages, so the core's are read to their end; the last bound is ours. */
import { ok, type Result } from "../../domain/fault.ts"

const pageSize = 1000
const mostPages = 10

type Page = { limit: number; after?: string; order: "oldest-first" }

export async function wholeList<T>(
  list: (page: Page) => Promise<Result<T[]>>,
  idOf: (item: T) => string,
): Promise<Result<T[]>> {
  const all: T[] = []
  for (let page = 0; page < mostPages; page += 1) {
    const last = all.at(-1)
    const after = last === undefined ? {} : { after: idOf(last) }
    const found = await list({ limit: pageSize, order: "oldest-first", ...after })
    if (!found.ok) return found
    all.push(...found.value)
    if (found.value.length < pageSize) break
  }
  return ok(all)
}
