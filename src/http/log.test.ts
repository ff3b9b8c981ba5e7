/** That what went wrong can be read in the log: nobody else is told. */
import { expect, test } from "vitest"
import { openLog } from "./log.ts"

test.each(["err", "cause"])("an error told as %s is there with its words and its place", (name) => {
  const lines: string[] = []
  const log = openLog("info", { write: (line) => lines.push(line) })
  const within = new Error("no such file", { cause: new Error("the disk is gone") })
  log.error({ operation: "o", [name]: within }, "a step failed")
  const [line] = lines.map((text) => JSON.parse(text))
  expect(line).toMatchObject({ operation: "o", msg: "a step failed" })
  expect(line[name].message).toContain("no such file")
  expect(line[name].stack).toContain("the disk is gone")
})
