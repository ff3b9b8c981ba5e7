import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { trackersOf } from "../accepted.ts"
import { ListQuery } from "../listing.ts"
import { route } from "../route.ts"
import { base } from "../wire/words.ts"

const largestPage = 1000

/** Operations are not counted: how many there are in all is told only where a page has the last. */
export const trackerRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: `${base}/request-tracker`,
    query: ListQuery,
    async answer({ core, who, query: { $top, $skip } }) {
      const limit = Math.min($top, largestPage)
      const found = await core.operations.list(who, {
        ...{ limit: limit + 1, offset: $skip },
        ...{ order: "newest-first", undismissedOnly: true },
      })
      if (!found.ok) return found
      const page = found.value.slice(0, limit)
      const content = await trackersOf(core, who, page)
      const numberOfElements = content.length
      const isLast = found.value.length <= limit && (numberOfElements > 0 || $skip === 0)
      const total = isLast ? { totalElements: $skip + numberOfElements } : {}
      return ok({ status: 200, body: { content, numberOfElements, ...total } })
    },
  }),
  route({
    method: "GET",
    path: `${base}/request-tracker/:id`,
    ids: { id: "operation" },
    async answer({ core, who, ids: { id } }) {
      const found = await core.operations.get(who, id)
      if (!found.ok) return found
      if (found.value.dismissed) return { ok: false, fault: gone(id) }
      const [body = {}] = await trackersOf(core, who, [found.value])
      return ok({ status: 200, body })
    },
  }),
  route({
    method: "DELETE",
    path: `${base}/request-tracker/:id`,
    ids: { id: "operation" },
    async answer({ core, asking, ids: { id } }) {
      const dismissed = await core.operations.dismiss(asking, id)
      return dismissed.ok ? ok({ status: 204 }) : dismissed
    },
  }),
]

const gone = (id: string) => ({ kind: "not-found", what: "operation", id }) as const
