import type { Command } from "commander"
import { Failure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { kinds, type Resource } from "./resources.ts"
import { parseLimit, parseSize, showSize } from "./sizes.ts"

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

  quota(noun)
  usage(noun)
}

type Limits = {
  machines?: number
  volumes?: number
  snapshots?: number
  logical?: number
  physical?: number
}

function quota(noun: Command): void {
  leaf<Limits & { none?: boolean }>(noun, {
    words: "quota <account>",
    summary: "say what an account may use; what is not named has no limit",
    example: "tintype account quota alice --machines 5 --physical 100G",
    options: [
      option("--machines <count>", "how many machines").argParser(parseLimit),
      option("--volumes <count>", "how many volumes, root volumes among them").argParser(
        parseLimit,
      ),
      option("--snapshots <count>", "how many snapshots").argParser(parseLimit),
      option("--logical <size>", "the sizes of its volumes together").argParser(parseSize),
      option("--physical <size>", "what it has on disk").argParser(parseSize),
      option("--none", "no quota of its own: the service's counts again"),
    ],
    async run(session, [ref = ""], { none, machines, volumes, snapshots, logical, physical }) {
      const limits = { machines, volumes, snapshots }
      const quota = { ...limits, logicalBytes: logical, physicalBytes: physical }
      const given = Object.values(quota).some((limit) => limit !== undefined)
      if (given === (none === true)) {
        throw new Failure("usage", "say what it may use, such as --machines 5, or --none")
      }
      const path = `${kinds.account.collection}/${encodeURIComponent(ref)}/quota`
      const ask = { method: "PUT", path, body: none ? null : quota } as const
      await session.printDetails(await session.client.json<object>(ask))
    },
  })
}

type Usage = {
  login: string
  used: Record<string, number>
  quota: Record<string, number>
}

function usage(noun: Command): void {
  leaf(noun, {
    words: "usage [account]",
    summary: "say what an account uses, and what it may",
    example: "tintype account usage alice",
    async run(session, [ref]) {
      const headers = ref === undefined ? {} : { "x-tintype-account": ref }
      const told = await session.client.json<Usage>({ method: "GET", path: "/api/usage", headers })
      if (session.json) return await session.printDetails(told)
      const lines = Object.entries(told.used).map(([what, used]) => {
        const limit = told.quota[what]
        const shown = what.endsWith("Bytes") ? showSize : String
        return [what, `${shown(used)}${limit === undefined ? ", no limit" : ` of ${shown(limit)}`}`]
      })
      await session.printDetails({ account: told.login, ...Object.fromEntries(lines) })
    },
  })
}
