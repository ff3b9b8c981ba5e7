/**
 * What happens, as it happens: server-sent events (HTML standard, section 9.2). Each carries its
 * id, so a client that reconnects with Last-Event-ID is told what it missed. The reader sets the
 * pace: nothing is fetched before the last piece was taken.
 */
import { Readable } from "node:stream"
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import type { Event } from "../../domain/operation.ts"
import { renderEvent } from "./wire/event.ts"

const reconnectMs = 2_000
const heartbeatMs = 15_000
const batch = 200
/** After so long a client has to come again, and is asked again who it is. */
const longestMs = 3_600_000

export type EventStream = {
  core: Core
  who: Principal
  /** Told are the events after this one. */
  after: number
  /** Ends the stream; whoever waits in it is let go. */
  until: AbortSignal
  now?: () => number
}

export function eventStream(stream: EventStream): Readable {
  return Readable.from(pieces(stream), { objectMode: false })
}

async function* pieces({ core, who, after, until, now = Date.now }: EventStream) {
  yield `retry: ${reconnectMs}\n\n`
  const ended = new Promise<"ended">((resolve) => {
    if (until.aborted) resolve("ended")
    until.addEventListener("abort", () => resolve("ended"), { once: true })
  })
  const endsAt = now() + longestMs
  let last = after
  let beatsAt = now() + heartbeatMs
  while (now() < endsAt) {
    const news = core.house.events(who, last, batch, Math.max(0, beatsAt - now()))
    const next = await Promise.race([ended, news])
    if (next === "ended" || !next.ok) return
    last = next.value.at(-1)?.id ?? last
    // Woken by what others did: saying anything now would tell that they did something.
    if (next.value.length === 0 && now() < beatsAt) continue
    yield next.value.length === 0 ? heartbeat : next.value.map(frame).join("")
    beatsAt = now() + heartbeatMs
  }
}

const heartbeat = ": here\n\n"

const frame = (event: Event) => `id: ${event.id}\ndata: ${JSON.stringify(renderEvent(event))}\n\n`

/** Where a client left off, by its header or its query; a fresh one starts with what comes next. */
export async function startAfter(
  core: Core,
  { lastEventId, after }: { lastEventId: string | undefined; after: number | undefined },
): Promise<number> {
  const newest = await core.house.newestEvent()
  const wanted = /^\d{1,15}$/.test(lastEventId ?? "") ? Number(lastEventId) : after
  // An id from before the ledger was restored from a backup may be ahead of us.
  return Math.min(wanted ?? newest, newest)
}
