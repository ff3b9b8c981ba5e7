/** `list` and `show`, which are the same for every kind of thing. */
import type { Command } from "commander"
import type { Query } from "./client.ts"
import { leaf, option } from "./leaf.ts"
import { pathOf, resolve } from "./resolve.ts"
import type { Kind, Resource } from "./resources.ts"
import type { Session } from "./session.ts"

export type AllAccounts = { allAccounts?: boolean }

export const allAccounts = () =>
  option("--all-accounts", "of every account; for the administrator only")

/** A list without filters of its own. */
export function listing(noun: Command, kind: Kind): void {
  leaf<AllAccounts>(noun, {
    words: "list",
    summary: `list the ${kind.word}s`,
    example: `tintype ${kind.word} list`,
    options: [allAccounts()],
    run: async (session, _, options) => printList(session, kind, options),
  })
}

export async function printList(
  session: Session,
  kind: Kind,
  options: AllAccounts,
  query: Query = {},
): Promise<void> {
  const everywhere = options.allAccounts ? { allAccounts: true } : {}
  const items = await session.client.all<Resource>(kind.collection, { ...query, ...everywhere })
  await session.printAll(kind, items)
}

export function inspection(noun: Command, kind: Kind): void {
  leaf(noun, {
    words: `show <${kind.word}>`,
    summary: `show one ${kind.word} in full`,
    example: `tintype ${kind.word} show ${kind.word === "operation" ? "ID" : "nightly"}`,
    async run(session, [ref = ""]) {
      const path = pathOf(kind, await resolve(session, kind, ref))
      await session.printDetails(await session.client.json<object>({ method: "GET", path }))
    },
  })
}
