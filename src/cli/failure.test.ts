import { expect, test } from "vitest"
import { fileFailure } from "./failure.ts"

test.each([
  ["read", "ENOENT", "there is no file a/b"],
  ["written", "ENOENT", "there is no folder a"],
  ["read", "EACCES", "a/b may not be read by this user"],
  ["written", "ENOSPC", "a/b cannot be written: the system's words"],
] as const)("a file that is %s: %s", (use, code, words) => {
  const failure = fileFailure("a/b", use, Object.assign(new Error("the system's words"), { code }))
  expect([failure.exitCode, failure.message]).toEqual([2, words])
})
