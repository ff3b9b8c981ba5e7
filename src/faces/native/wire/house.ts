import { z } from "zod"
import type { Finding } from "../../../domain/finding.ts"
import { components } from "./words.ts"

export const About = z
  .object({ name: z.literal("tintype"), version: z.string(), api: z.string() })
  .register(components, { id: "About" })

export const Readiness = z
  .object({ ready: z.boolean(), details: z.record(z.string(), z.string()) })
  .register(components, { id: "Readiness" })

export const Liveness = z.object({ live: z.literal(true) }).register(components, { id: "Liveness" })

export const DoctorWish = z
  .strictObject({
    fix: z.boolean().default(false),
    rebuild: z.boolean().default(false).describe("The ledger anew from what is on disk."),
  })
  .register(components, { id: "DoctorWish" })

export const Findings = z
  .object({
    items: z.array(
      z.object({
        severity: z.enum(["wrong", "note"]),
        what: z.string(),
        remedy: z.string().nullable(),
      }),
    ),
  })
  .register(components, { id: "Findings" })

export const renderFindings = (findings: readonly Finding[]): z.infer<typeof Findings> => ({
  items: findings.map(({ severity, what, remedy }) => ({ severity, what, remedy })),
})
