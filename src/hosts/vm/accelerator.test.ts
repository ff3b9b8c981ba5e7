import { describe, expect, test } from "vitest"
import { newId } from "../../domain/ids.ts"
import { runsUnder } from "./accelerator.ts"

const kvm = { name: "kvm", note: null } as const
const tcg = { name: "tcg", note: "this node has no /dev/kvm" } as const
const keptUnder = (accelerator: string | null) => ({
  snapshot: newId<"snapshot">(),
  keptUnder: accelerator,
})

describe("a machine", () => {
  test("that boots is run by what works here", () => {
    expect([kvm, tcg].map((here) => runsUnder(here, undefined))).toEqual(["kvm", "tcg"])
  })

  test("that goes on from its memory is run by what ran it", () => {
    expect(runsUnder(kvm, keptUnder("tcg"))).toBe("tcg")
    expect(runsUnder(kvm, keptUnder("kvm"))).toBe("kvm")
    expect(runsUnder(tcg, keptUnder(null))).toBe("tcg")
  })

  test("whose memory needs KVM is refused where there is none, and why there is none is told", () => {
    expect(() => runsUnder(tcg, keptUnder("kvm"))).toThrow(/kept under KVM.*no \/dev\/kvm/)
  })
})
