import type { Change } from "../../../core/core.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { emptied, json, plainText, refused, shown } from "../answers.ts"
import { metadataFrom, tagsFrom } from "../labels.ts"
import { type AskedOfMachine, machineRoute, wantsPlainText } from "../route.ts"

/** Adding, replacing and taking away is the same for both; what their values may be differs. */
const nouns = {
  tags: { what: "tag", from: tagsFrom },
  metadata: { what: "metadata", from: metadataFrom },
} as const
type Noun = keyof typeof nouns

export const labelRoutes: readonly Route[] = (["tags", "metadata"] as const).flatMap((noun) => [
  machineRoute({
    method: "GET",
    path: `/${noun}`,
    answer: async ({ machine }) => ok(json(machine[noun])),
  }),
  machineRoute({
    method: "POST",
    path: `/${noun}`,
    answer: (asked) => write(asked, noun, (added) => ({ merge: { [noun]: added } })),
  }),
  machineRoute({
    method: "PUT",
    path: `/${noun}`,
    answer: (asked) => write(asked, noun, (added) => ({ [noun]: added })),
  }),
  machineRoute({
    method: "DELETE",
    path: `/${noun}`,
    answer: (asked) => emptiedBy(asked, { [noun]: {} }),
  }),
  machineRoute({
    method: "GET",
    path: `/${noun}/:key`,
    answer: (asked) =>
      ofKey(asked, noun, async (key) => {
        const value = asked.machine[noun][key]
        return ok(wantsPlainText(asked.request) ? plainText(`${value}`) : json(value))
      }),
  }),
  machineRoute({
    method: "DELETE",
    path: `/${noun}/:key`,
    answer: (asked) =>
      ofKey(asked, noun, (key) =>
        emptiedBy(asked, { merge: { [noun]: Object.fromEntries([[key, null]]) } }),
      ),
  }),
])

type Entries = Readonly<Record<string, unknown>>

/** What others write meanwhile stays: it is the core that puts the entries to those there. */
async function write(
  { core, asking, id, params }: AskedOfMachine,
  noun: Noun,
  changeTo: (added: Entries) => object,
): Promise<Result<Answer>> {
  const added = nouns[noun].from(params)
  if (!added.ok) return added
  const changed = await core.machines.change(asking, id, changeTo(added.value))
  return shown(changed, (machine) => machine[noun])
}

async function emptiedBy(
  { core, asking, id }: AskedOfMachine,
  change: Change,
): Promise<Result<Answer>> {
  const changed = await core.machines.change(asking, id, change)
  return changed.ok ? ok(emptied(204)) : changed
}

async function ofKey(
  { machine, request }: AskedOfMachine,
  noun: Noun,
  work: (key: string) => Promise<Result<Answer>>,
): Promise<Result<Answer>> {
  const key = request.params["key"] ?? ""
  if (Object.hasOwn(machine[noun], key)) return work(key)
  return refused("ResourceNotFound", `${nouns[noun].what} ${key.slice(0, 64)} not found`)
}
