/** What is changed of a thing at once: its name, and what people write on it. */
import type { Command, Option } from "commander"
import { Failure } from "./failure.ts"
import { leaf, option, repeated } from "./leaf.ts"
import { pathOf, resolve } from "./resolve.ts"
import type { Kind, Resource } from "./resources.ts"

type ChangeOptions = {
  name?: string
  description?: string
  metadata?: string[]
  tag?: string[]
  protect?: boolean
}

export function change(noun: Command, kind: Kind, more: readonly Option[] = []): void {
  leaf<ChangeOptions>(noun, {
    words: `change <${kind.word}>`,
    summary: `change a ${kind.word}'s name and labels`,
    example: `tintype ${kind.word} change nightly --description "of every night" --tag keep=yes`,
    options: [
      option("--name <name>", "what it is called from now on"),
      option("--description <text>", "what it is for"),
      repeated("--metadata <key=value>", "in place of all it had; may be repeated"),
      repeated("--tag <key=value>", "in place of all it had; may be repeated"),
      ...more,
    ],
    async run(session, [ref = ""], options) {
      const body = {
        name: options.name,
        description: options.description,
        metadata: entriesOf(options.metadata),
        tags: entriesOf(options.tag),
        deletionProtected: options.protect,
      }
      if (Object.values(body).every((value) => value === undefined)) {
        throw new Failure("usage", "say what to change, such as --name NAME")
      }
      const path = pathOf(kind, await resolve(session, kind, ref))
      const changed = await session.client.json<Resource>({ method: "PATCH", path, body })
      await session.printOne(kind, changed)
    },
  })
}

function entriesOf(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  if (pairs === undefined) return undefined
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=")
      if (at < 1) throw new Failure("usage", `${JSON.stringify(pair)} is not KEY=VALUE`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
