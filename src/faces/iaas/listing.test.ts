import { describe, expect, test } from "vitest"
import { ok } from "../../domain/fault.ts"
import { ListQuery, listed } from "./listing.ts"

const things = Array.from({ length: 3000 }, (_, n) => ({
  id: `${n}`,
  name: n % 2 ? "odd" : "even",
}))
const source = {
  list: async ({ limit, offset }: { limit: number; offset: number }) =>
    ok(things.slice(offset, offset + limit)),
  count: async () => ok(things.length),
  render: (thing: (typeof things)[number]) => thing,
  required: ["id"],
}
const ask = (query: Record<string, string>) => listed(source, ListQuery.parse(query))
const terms = (count: number) => Array(count).fill("name eq 'odd'").join(" and ")

async function why(query: Record<string, string>): Promise<string> {
  const found = await ask(query)
  return !found.ok && found.fault.kind === "invalid" ? found.fault.why : "none"
}

describe("a list that must look at everything", () => {
  test("compares only so much", async () => {
    expect(await why({ $filter: terms(33) })).toBe("none")
    expect(await why({ $filter: terms(34) })).toContain("name fewer fields")
  })

  test("is sorted by only so many fields", async () => {
    const orders = (count: number) => Array(count).fill("name").join(",")
    expect(await why({ $orderby: orders(8) })).toBe("none")
    expect(await why({ $orderby: orders(9) })).toBe("names at most 8 fields")
  })

  test("lets others have their turn", async () => {
    let turns = 0
    let isOver = false
    const other = () => {
      turns += 1
      if (!isOver) setImmediate(other)
    }
    setImmediate(other)
    const found = await ask({ $filter: terms(20), $top: "2" })
    isOver = true
    expect(turns).toBeGreaterThan(100)
    expect(found).toMatchObject({ value: { body: { totalElements: 1500 } } })
  })
})
