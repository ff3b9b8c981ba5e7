import { expect, test } from "vitest"
import { readBodyJson } from "./json.ts"

const read = (text: string | Buffer) => {
  const json = readBodyJson(Buffer.from(text))
  return json.ok ? json.value : json.fault
}
const notJson = { kind: "invalid", why: "the body is not well-formed JSON" }

test("words are read in any case, and texts are left as they are", () => {
  expect(read('{"a": True, "b":False,"c" :NULL}')).toEqual({ a: true, b: false, c: null })
  expect(read('{"True":"False \\" True","b":TRUE}')).toEqual({ True: 'False " True', b: true })
  expect(read('["é True", False]')).toEqual(["é True", false])
})

test("nothing else becomes JSON by it", () => {
  for (const text of ["True False", '{"a":Truely}', "{True:1}", '{"a":"True', '{"a":True\\']) {
    expect(read(text), text).toEqual(notJson)
  }
  const notText = Buffer.from([0x5b, 0x54, 0x72, 0x75, 0x65, 0x2c, 0x22, 0xff, 0x22, 0x5d])
  expect(read(notText)).toEqual({ kind: "invalid", why: "the body is not UTF-8" })
})

test("a text that is never closed is passed in one go", () => {
  expect(read(`["${'\\"'.repeat(500_000)}`)).toEqual(notJson)
})
