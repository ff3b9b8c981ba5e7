/** One run of one command: the server it talks to, and how it speaks. */
import { type Client, openClient } from "./client.ts"
import { type ConnectionFlags, findServer } from "./connection.ts"
import { patience } from "./patience.ts"
import type { Kind, Resource } from "./resources.ts"
import { printDetails, printJson, printTable } from "./show.ts"

export type Common = ConnectionFlags & { output?: "json" | "table"; account?: string }

export interface Session {
  readonly client: Client
  readonly json: boolean
  /** The account acted for, when one was named. */
  readonly account: string | undefined
  /** For people, on stderr, whatever the output format. */
  say(words: string): void
  /** One thing, as JSON or as a row. */
  printOne(kind: Kind, resource: Resource): Promise<void>
  printAll(kind: Kind, resources: readonly Resource[]): Promise<void>
  /** One thing in full. */
  printDetails(value: object): Promise<void>
}

/** `acting: false` for commands whose `--account` is part of the wish, not who acts. */
export function openSession(options: Common, acting = true): Session {
  const json = options.output === "json"
  const finding = {
    find: () => findServer(options, process.env),
    patience: () => patience(options, process.env),
    say: (words: string) => process.stderr.write(`tintype: ${words}\n`),
  }
  return {
    client: openClient(finding, acting ? options.account : undefined),
    json,
    account: options.account,
    say: (words) => process.stderr.write(`${words}\n`),
    async printOne(kind, resource) {
      if (json) printJson(resource)
      else await printTable(kind, [resource])
    },
    async printAll(kind, resources) {
      if (json) printJson({ items: resources })
      else await printTable(kind, resources)
    },
    async printDetails(value) {
      if (json) printJson(value)
      else await printDetails(value)
    },
  }
}
