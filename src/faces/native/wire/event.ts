import { z } from "zod"
import type { Event as Row } from "../../../domain/operation.ts"
import { queryNumber, time, toTime } from "./words.ts"

export const EventQuery = z.strictObject({
  after: z
    .exactOptional(queryNumber(0, 999_999_999_999_999))
    .describe("An event's id; what came after it is told first."),
})

export const Event = z.object({
  id: z.int(),
  at: time,
  type: z.string(),
  resource: z.object({ kind: z.string(), id: z.string() }),
  data: z.unknown(),
})

export const renderEvent = (event: Row): z.infer<typeof Event> => ({
  id: event.id,
  at: toTime(event.at),
  type: event.type,
  resource: { kind: event.resourceKind, id: event.resourceId },
  data: event.data,
})
