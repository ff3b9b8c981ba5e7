/** The serial console: the server gives its last bytes, and following is asking again. */
import { buffer } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { Failure } from "./failure.ts"
import { pathOf } from "./resolve.ts"
import { kinds } from "./resources.ts"
import type { Session } from "./session.ts"
import { printJson } from "./show.ts"

const tailBytes = 2 ** 16
const pollMs = 500

export async function printConsole(
  session: Session,
  machine: string,
  follow: boolean,
): Promise<void> {
  if (follow && session.json) throw new Failure("usage", "--follow never ends, so it has no JSON")
  const path = `${pathOf(kinds.machine, machine)}/console`
  const read = async (bytes: number) =>
    buffer(await session.client.open({ method: "GET", path, query: { bytes } }))

  let seen = await read(follow ? tailBytes : 16 * tailBytes)
  if (session.json) return printJson({ id: machine, console: seen.toString("utf8") })
  process.stdout.write(seen)
  while (follow) {
    await sleep(pollMs)
    const now = await read(tailBytes)
    process.stdout.write(freshPart(seen, now))
    seen = now
  }
}

/**
 * What `now` has beyond `seen`, both being the tail of one growing text: `now` begins somewhere
 * in `seen`. Where it does not, more has come than a tail holds, or the text began anew.
 */
export function freshPart(seen: Buffer, now: Buffer): Buffer {
  for (let cut = 0; cut < seen.length; cut++) {
    const kept = seen.subarray(cut)
    if (kept.length <= now.length && kept.equals(now.subarray(0, kept.length))) {
      return now.subarray(kept.length)
    }
  }
  return now
}
