import { describe, expect, test } from "vitest"
import { newId, type SnapshotId } from "../../../domain/ids.ts"
import { dressed, undressed } from "./snapshot-id.ts"

const server = "01930000-0000-7000-8000-000000000010"
const createdAt = Date.UTC(2012, 6, 9, 23, 59, 59)
const id = "01930000-0000-7000-8000-000000000040" as SnapshotId

describe("the dress of a snapshot's id", () => {
  test("names its server and its day, and can be put into a URL as it is", () => {
    const text = dressed(server, { id, createdAt })
    expect(text).toBe(`snapshot_${server}_2012Jul09_03cs842aav71baqzn3don28u8`)
    expect(encodeURIComponent(text)).toBe(text)
  })

  test("comes off again, whatever the id", () => {
    const least = "00000000-0000-0000-0000-000000000000" as SnapshotId
    const most = "ffffffff-ffff-ffff-ffff-ffffffffffff" as SnapshotId
    for (const each of [id, least, most, ...Array.from({ length: 100 }, () => newId<"snapshot">())])
      expect(undressed(dressed(server, { id: each, createdAt }))).toBe(each)
  })

  test("need not be worn", () => {
    expect(undressed(id)).toBe(id)
    expect(undressed(id.toUpperCase())).toBe(id)
  })

  test.each([
    ["nothing", ""],
    ["a dress alone", "snapshot_"],
    ["too short a tail", `snapshot_${server}_2012Jul09_short`],
    ["too long a tail", `snapshot_${server}_2012Jul09_${"0".repeat(26)}`],
    ["more than 128 bits", `snapshot_${server}_2012Jul09_${"z".repeat(25)}`],
    ["a server of no sane length", `snapshot_${"x".repeat(9000)}_2012Jul09_${"0".repeat(25)}`],
    ["a path", "../../etc/passwd"],
  ])("holds no id where there is none: %s", (_what, text) => {
    expect(undressed(text)).toBeUndefined()
  })
})
