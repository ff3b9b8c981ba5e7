import { describe, expect, test } from "vitest"
import type { z } from "zod"
import { accountQuota, size, sizeOrShare, sourceQuota } from "./amounts.ts"

const read = (schema: z.ZodType, written: unknown) => {
  const parsed = schema.safeParse(written)
  return parsed.success ? parsed.data : parsed.error.issues.map(({ message }) => message).join()
}

describe("a size", () => {
  test.each([
    [0, 0],
    [4096, 4096],
    ["0", 0],
    ["4096", 4096],
    ["64K", 65_536],
    ["64 KiB", 65_536],
    ["10g", 10 * 2 ** 30],
    ["1.5T", 1.5 * 2 ** 40],
    ["7P", 7 * 2 ** 50],
  ])("%j", (written, bytes) => {
    expect(read(size, written)).toBe(bytes)
  })

  test.each(["", "-1", "ten", "1X", "0.3K", "9999P", "1e9", "5%", " 5G x"])(
    "%j is none",
    (text) => {
      expect(read(size, text)).toMatch(/^a size such as/)
    },
  )

  test.each([-1, 1.5, true, null, {}])("%j is none", (written) => {
    expect(size.safeParse(written).success).toBe(false)
  })
})

describe("a size or a share", () => {
  test.each([
    ["1G", { bytes: 2 ** 30 }],
    [512, { bytes: 512 }],
    ["0", { bytes: 0 }],
    ["5%", { share: 0.05 }],
    ["2.5 %", { share: 0.025 }],
    ["0%", { share: 0 }],
  ])("%j", (written, told) => {
    expect(read(sizeOrShare, written)).toEqual(told)
  })

  test.each(["100%", "-5%", "5 percent", "%", "1G%", ""])("%j is neither", (text) => {
    expect(read(sizeOrShare, text)).toBe('a size such as "1G", or a share below 100 such as "5%"')
  })
})

test("a quota has the limits it names, and no others", () => {
  const wish = { machines: 0, volumes: 5, snapshots: 9, logicalBytes: "1T", physicalBytes: 7 }
  expect(read(accountQuota, wish)).toEqual({ ...wish, logicalBytes: 2 ** 40 })
  expect(read(accountQuota, {})).toEqual({})
  expect(read(sourceQuota, { snapshots: 3 })).toEqual({ snapshots: 3 })
  expect(sourceQuota.safeParse({ machines: 1 }).success).toBe(false)
  expect(accountQuota.safeParse({ snapshots: "3" }).success).toBe(false)
})
