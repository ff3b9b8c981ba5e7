import type { Command } from "commander"
import { Failure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { type AllAccounts, allAccounts, inspection, printList } from "./listing.ts"
import { pathOf, resolve } from "./resolve.ts"
import { kinds, type Operation, type Resource } from "./resources.ts"
import { parseDuration } from "./sizes.ts"
import { endedBadly, waitFor } from "./work.ts"

export function operationCommands(noun: Command): void {
  leaf<AllAccounts & { of?: string; unended?: boolean }>(noun, {
    words: "list",
    summary: "list the operations",
    example: "tintype operation list --unended",
    options: [
      option("--of <id>", "only those of this machine, volume, image or snapshot"),
      option("--unended", "only those that have not ended"),
      allAccounts(),
    ],
    async run(session, _, options) {
      const query = { targetId: options.of, unended: options.unended }
      await printList(session, kinds.operation, options, query)
    },
  })

  inspection(noun, kinds.operation)

  leaf<{ timeout?: number }>(noun, {
    words: "wait <operation>",
    summary: "wait until an operation has ended; fails as it failed",
    example: "tintype operation wait ID --timeout 5m",
    options: [
      option("--timeout <time>", "wait at most so long, such as 30 or 5m").argParser(parseDuration),
    ],
    async run(session, [ref = ""], options) {
      const id = await resolve(session, kinds.operation, ref)
      const operation = await waitFor(session, id, `operation ${id}`, options)
      await session.printOne(kinds.operation, operation as Resource & typeof operation)
      if (operation.state !== "done") throw endedBadly(operation, operation.kind)
    },
  })

  leaf(noun, {
    words: "cancel <operation>",
    summary: "give an operation up; what it has done is taken back",
    example: "tintype operation cancel ID --wait",
    works: true,
    async run(session, [ref = ""], options) {
      const id = await resolve(session, kinds.operation, ref)
      const ask = { method: "POST", path: `${pathOf(kinds.operation, id)}/cancel` } as const
      const given = await session.client.json<Resource & Operation>(ask)
      if (options.wait !== true) return await session.printOne(kinds.operation, given)
      const ended = await waitFor(session, id, `cancelling operation ${id}`, options)
      await session.printOne(kinds.operation, ended as Resource & Operation)
      if (ended.state === "undone") return
      const why = ended.state === "done" ? "it was done before it could be given up" : ended.reason
      throw new Failure("failure", `operation ${id} is ${ended.state}: ${why}`)
    },
  })
}
