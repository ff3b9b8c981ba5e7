/** What a Keystone tells of a token, as far as anybody here wants to know. */
import { z } from "zod"

const Named = z.object({ id: z.string(), name: z.string() })
export const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)))
export const Token = z.object({
  expires_at: time,
  roles: z.array(z.object({ name: z.string() })).default([]),
  project: Named.extend({ domain: z.object({ id: z.string() }).optional() }).optional(),
})
export type Token = z.output<typeof Token>
