import type { Command } from "commander"
import { leaf, option } from "./leaf.ts"
import { kinds, type Resource } from "./resources.ts"

export function accountCommands(noun: Command): void {
  leaf<{ password?: string; apiKey?: string }>(noun, {
    words: "create <name>",
    summary: "make an account and its owner; prints the credentials, which are shown only once",
    example: "tintype account create alice --password 'correct horse'",
    options: [
      option("--password <password>", "the owner's password; one is made up if not given"),
      option("--api-key <key>", "the owner's API key; one is made up if not given"),
    ],
    async run(session, [login], { password, apiKey }) {
      const body = { login, password, apiKey }
      const ask = { method: "POST", path: kinds.account.collection, body } as const
      await session.printDetails(await session.client.json<object>(ask))
    },
  })

  leaf(noun, {
    words: "list",
    summary: "list the accounts",
    example: "tintype account list -o json",
    async run(session) {
      const accounts = await session.client.all<Resource>(kinds.account.collection)
      await session.printAll(kinds.account, accounts)
    },
  })
}
