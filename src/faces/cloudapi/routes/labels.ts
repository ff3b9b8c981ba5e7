import { ok, type Result } from "../../../domain/fault.ts"
import type { Labels } from "../../../domain/labels.ts"
import type { Answer, Route } from "../../face.ts"
import { emptied, json, refused } from "../answers.ts"
import { metadataFrom, tagsFrom } from "../labels.ts"
import { type AskedOfMachine, machineRoute } from "../route.ts"

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
    answer: (asked) => write(asked, noun, asked.machine[noun]),
  }),
  machineRoute({ method: "PUT", path: `/${noun}`, answer: (asked) => write(asked, noun, {}) }),
  machineRoute({
    method: "DELETE",
    path: `/${noun}`,
    answer: (asked) => keep(asked, noun, {}),
  }),
  machineRoute({
    method: "GET",
    path: `/${noun}/:key`,
    answer: (asked) =>
      ofKey(asked, noun, async (key) => {
        const value = asked.machine[noun][key]
        return ok(json(value))
      }),
  }),
  machineRoute({
    method: "DELETE",
    path: `/${noun}/:key`,
    answer: (asked) =>
      ofKey(asked, noun, (key) => {
        const { [key]: _gone, ...rest } = asked.machine[noun]
        return keep(asked, noun, rest)
      }),
  }),
])

async function write(
  asked: AskedOfMachine,
  noun: Noun,
  before: Readonly<Record<string, unknown>>,
): Promise<Result<Answer>> {
  const added = nouns[noun].from(asked.params)
  if (!added.ok) return added
  const kept = await keep(asked, noun, { ...before, ...added.value })
  return kept.ok ? ok(json({ ...before, ...added.value })) : kept
}

async function keep(
  { core, asking, id }: AskedOfMachine,
  noun: Noun,
  labels: Readonly<Record<string, unknown>>,
): Promise<Result<Answer>> {
  const changed = await core.machines.change(asking, id, { [noun]: labels } as Partial<Labels>)
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
