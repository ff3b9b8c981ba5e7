import type { Command } from "commander"
import { Failure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { kinds } from "./resources.ts"

export function userCommands(noun: Command): void {
  leaf<{ password?: string; role?: string }>(noun, {
    words: "create <name>",
    summary: "make a user of the account named by --account; prints the credentials once",
    example: "tintype user create bob --account alice --role reader",
    options: [
      option("--password <password>", "one is made up if not given"),
      option("--role <role>", "what the user may do (default: member)").choices([
        "admin",
        "member",
        "reader",
      ]),
    ],
    acting: false,
    async run(session, [name], { account, password, role }) {
      if (account === undefined) throw new Failure("usage", "say whose user: --account NAME")
      const body = { name, account, password, role }
      const ask = { method: "POST", path: kinds.user.collection, body } as const
      await session.printDetails(await session.client.json<object>(ask))
    },
  })
}
