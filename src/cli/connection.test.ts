import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { findServer } from "./connection.ts"

let data = ""
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "tintype-connection-"))
})
afterEach(() => rmSync(data, { recursive: true }))

const announce = () =>
  writeFileSync(join(data, "server.json"), '{"pid":1,"urls":{"native":"http://127.0.0.1:9999"}}')
const find = (env: Record<string, string>, flags = {}) =>
  findServer(flags, { TINTYPE_DATA: data, ...env })
const url = (env: Record<string, string>, flags = {}) => find(env, flags).url.href

test("flags win over the environment, the environment over what the server announced", () => {
  announce()
  const env = { TINTYPE_URL: "http://b:2", TINTYPE_PORT_NATIVE: "3" }
  expect(url(env, { url: "http://a:1" })).toBe("http://a:1/")
  expect(url(env)).toBe("http://b:2/")
  expect(url({ TINTYPE_PORT_NATIVE: "3" })).toBe("http://127.0.0.1:3/")
  expect(url({ TINTYPE_PORT_NATIVE: "0" })).toBe("http://127.0.0.1:9999/")
  expect(url({ TINTYPE_URL: "" })).toBe("http://127.0.0.1:9999/")
})

test("with nothing said and nothing announced it is the usual port", () => {
  expect(url({})).toBe("http://127.0.0.1:8400/")
  writeFileSync(join(data, "server.json"), "{ half written")
  expect(url({})).toBe("http://127.0.0.1:8400/")
})

test("what is no URL is refused", () => {
  expect(() => url({ TINTYPE_URL: "127.0.0.1:8400" })).toThrow("not an http")
})

test("the token is given, or the administrator's, or missing in words that help", () => {
  expect(find({})).toEqual({
    url: expect.anything(),
    tokenless: expect.stringContaining("TINTYPE_TOKEN"),
  })
  writeFileSync(join(data, "admin-token"), "secret\n")
  expect(find({})).toMatchObject({ token: "secret" })
  expect(find({ TINTYPE_TOKEN: "mine" })).toMatchObject({ token: "mine" })
  expect(find({ TINTYPE_TOKEN: "mine" }, { token: "flag" })).toMatchObject({ token: "flag" })
})
