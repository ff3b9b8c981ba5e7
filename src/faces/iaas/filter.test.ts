import { describe, expect, test } from "vitest"
import { parseFilter } from "./filter.ts"

const things = [
  { id: "1", name: "web", size: 3, customProperties: { isExternal: "false", "a.b": "c" } },
  {
    id: "2",
    name: "ABC-web",
    tags: [
      { key: "env", value: "dev" },
      { key: "team", value: "x" },
    ],
  },
  { id: "3", name: "it's *here", customProperties: { isExternal: "true" }, done: true },
]
type Thing = (typeof things)[number]

function found(filter: string): string {
  const parsed = parseFilter(filter)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault))
  return things
    .filter((thing: Thing) => parsed.value.matches(thing))
    .map(({ id }) => id)
    .join("")
}

function refusal(filter: string): string {
  const parsed = parseFilter(filter)
  return !parsed.ok && parsed.fault.kind === "invalid" ? parsed.fault.why : "none"
}

describe("a filter", () => {
  test.each([
    ["name eq 'web'", "1"],
    ["name eq 'WEB'", ""],
    ["name ne 'web'", "23"],
    ["name eq '*web'", "12"],
    ["name eq 'ABC*'", "2"],
    ["name eq '*BC-*'", "2"],
    ["name eq 'A*-*b'", "2"],
    ["name eq '*'", "123"],
    ["name eq 'web*web'", ""],
    ["description eq '*'", ""],
    ["description ne 'x'", "123"],
    ["name eq 'it''s *here'", "3"],
    ["customProperties.isExternal eq 'false'", "1"],
    ["customProperties.a.b eq 'c'", "1"],
    ["tags.key eq 'team'", "2"],
    ["size eq 3", "1"],
    ["done eq true", "3"],
    ["name eq 'web' or name eq 'ABC*' and id eq '9'", "1"],
    ["(name eq 'web' or name eq 'ABC*') and id eq '2'", "2"],
    ["name ne 'example' or customProperties.isExternal eq 'false'", "123"],
    ["  ( ( id   EQ '1' ) )  ", "1"],
    ["startswith(name, 'ABC')", "2"],
    ["endswith(name,'web') and id ne '1'", "2"],
    ["substringof('BC', name)", "2"],
    ["constructor eq '*' or __proto__.toString eq '*'", ""],
  ])("%s", (filter, ids) => {
    expect(found(filter)).toBe(ids)
  })

  test("that asks for one text in one field says so, and no other does", () => {
    const only = (filter: string) => {
      const parsed = parseFilter(filter)
      return parsed.ok ? parsed.value.only : undefined
    }
    expect(only("id eq 'x'")).toEqual({ path: "id", text: "x" })
    expect(only("(name eq 'it''s')")).toEqual({ path: "name", text: "it's" })
    for (const filter of ["id ne 'x'", "id eq 'x*'", "id eq 'x' or id eq 'y'"]) {
      expect(only(filter)).toBeNull()
    }
  })

  test.each([
    ["", "ends too early"],
    ["name", "ends too early; it needs eq or ne there"],
    ["name gt 'a'", 'has "gt" at 5; it needs eq or ne there'],
    ["name eq", "ends too early; it needs a value there"],
    ["name eq 'a", "a quote at 8 is not closed"],
    ["name eq 'a' id eq 'b'", 'has "id" at 12'],
    ["(name eq 'a'", "ends too early; it needs ) there"],
    ["name eq 'a')", 'has ")" at 11'],
    ["explode(name, 'a')", 'has "explode" at 0'],
    ["startswith('a', name)", 'has "a" at 11; it needs a field there'],
    ["and", "ends too early; it needs eq or ne there"],
  ])("%j is refused: %s", (filter, why) => {
    expect(refusal(filter)).toBe(why)
  })

  test("has limits to its length, its depth and its terms", () => {
    expect(refusal(`name eq '${"a".repeat(4100)}'`)).toContain("at most 4096 characters")
    const deep = (levels: number) => `${"(".repeat(levels)}id eq '1'${")".repeat(levels)}`
    expect(refusal(deep(21))).toContain("at most 20 parentheses")
    expect(found(deep(20))).toBe("1")
    const many = (terms: number) => Array(terms).fill("id eq '1'").join(" or ")
    expect(refusal(many(101))).toContain("at most 100 fields")
    expect(found(many(100))).toBe("1")
  })

  test("of stars alone stays quick on a long text", () => {
    const parsed = parseFilter(`name eq '${"*a".repeat(1000)}*b'`)
    if (!parsed.ok) throw new Error("refused")
    expect(parsed.value.matches({ name: "a".repeat(100_000) })).toBe(false)
  })
})
