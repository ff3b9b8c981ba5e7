/**
 * Who asks is looked up with every request and hardly ever changes, so accounts, users and tokens
 * that were read stay in memory until one of them is changed or removed: then all are forgotten,
 * before the transaction that did it resolves. What is not there is never remembered.
 */
import type { Room, Rooms } from "./ledger.ts"

type Known = Pick<Rooms, "accounts" | "users" | "tokens">
/** With an app credential its tokens go, too. */
type Watched = Pick<Rooms, "accounts" | "users" | "tokens" | "appCredentials">

const mostKept = 1000

export class Remembered {
  readonly #kept = new Map<string, object>()
  #version = 0

  forgetAll(): void {
    this.#version += 1
    this.#kept.clear()
  }

  /** Reading goes through memory. */
  known({ accounts, users, tokens }: Known): Known {
    return {
      accounts: { ...accounts, get: (id) => this.#find(`account ${id}`, () => accounts.get(id)) },
      users: { ...users, get: (id) => this.#find(`user ${id}`, () => users.get(id)) },
      tokens: {
        ...tokens,
        byHash: (hash) => this.#find(`token ${hash}`, () => tokens.byHash(hash)),
      },
    }
  }

  async #find<T extends object>(
    key: string,
    read: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept as T
    const asOf = this.#version
    const found = await read()
    // What changed while it was read may be told once more, but not kept.
    if (found === undefined || asOf !== this.#version) return found
    if (this.#kept.size >= mostKept) this.#kept.clear()
    this.#kept.set(key, Object.freeze(found))
    return found
  }
}

/** `changed` is called where something is changed that may be remembered. */
export function watched(rooms: Watched, changed: () => void): Watched {
  const { accounts, users, tokens, appCredentials } = rooms
  const told =
    <A extends unknown[]>(verb: (...of: A) => Promise<void>) =>
    (...of: A): Promise<void> => {
      changed()
      return verb(...of)
    }
  const both = <T extends { id: string }>({ change, remove }: Room<T>) => ({
    change: told(change),
    remove: told(remove),
  })
  return {
    accounts: { ...accounts, ...both(accounts) },
    users: { ...users, ...both(users) },
    tokens: { ...tokens, ...both(tokens), forgetExpired: told(tokens.forgetExpired) },
    appCredentials: { ...appCredentials, ...both(appCredentials) },
  }
}
