/** Reading all there is of something, for questions whose answer has no limit of its own. */
import type { Room, Where } from "../ledger/ledger.ts"

const pageSize = 1000
/** Values asked for at once: each may be that of many rows. */
const mostValues = 500

type Finding<T extends { id: string }> = Pick<Room<T>, "find">

/** However many match, oldest first. */
export async function every<T extends { id: string }>(
  room: Finding<T>,
  where: Where<T>,
): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  for (;;) {
    const page = { limit: pageSize, ...(after === undefined ? {} : { after }) }
    const found = await room.find(where, page)
    all.push(...found)
    if (found.length < pageSize) return all
    after = found.at(-1)?.id
  }
}

/** Those with any of these values, however many there are of either. */
export async function everyOf<T extends { id: string }, K extends keyof T>(
  room: Finding<T>,
  field: K,
  values: readonly T[K][],
): Promise<T[]> {
  const all: T[] = []
  for (let from = 0; from < values.length; from += mostValues) {
    const where = { [field]: values.slice(from, from + mostValues) } as Where<T>
    all.push(...(await every(room, where)))
  }
  return all
}
