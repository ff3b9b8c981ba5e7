import type { SshKey, User } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { emptied, json, refused, shown } from "../answers.ts"
import { type Asked, route } from "../route.ts"
import { ownerOf, subUserIn } from "../users.ts"
import { renderKey } from "../wire/account.ts"

/** Whose keys are spoken of, and where they stand. */
type Holder = { path: string; of(asked: Asked): Promise<Result<User>>; place(user: User): string[] }

const holders: readonly Holder[] = [
  { path: "/:account/keys", of: ownerOf, place: () => ["keys"] },
  {
    path: "/:account/users/:user/keys",
    of: subUserIn,
    place: ({ name }) => ["users", name, "keys"],
  },
]

export const keyRoutes: readonly Route[] = holders.flatMap((holder) => [
  route({
    method: "GET",
    path: holder.path,
    answer: async (asked) => shown(await keysOf(asked, holder), (keys) => keys.map(renderKey)),
  }),
  route({ method: "POST", path: holder.path, answer: (asked) => addKey(asked, holder) }),
  route({
    method: "GET",
    path: `${holder.path}/:key`,
    answer: async (asked) => shown(await keyOf(asked, holder), renderKey),
  }),
  route({
    method: "DELETE",
    path: `${holder.path}/:key`,
    async answer(asked) {
      const key = await keyOf(asked, holder)
      if (!key.ok) return key
      const removed = await asked.core.identity.removeKey(asked.asking, key.value.fingerprint)
      return removed.ok ? ok(emptied(204)) : removed
    },
  }),
])

async function keysOf(asked: Asked, { of }: Holder): Promise<Result<SshKey[]>> {
  const user = await of(asked)
  if (!user.ok) return user
  const keys = await asked.core.identity.listKeys(asked.who)
  return keys.ok ? ok(keys.value.filter(({ userId }) => userId === user.value.id)) : keys
}

/** By its name or its fingerprint. */
async function keyOf(asked: Asked, holder: Holder): Promise<Result<SshKey>> {
  const { key: ref = "" } = asked.request.params
  const keys = await keysOf(asked, holder)
  if (!keys.ok) return keys
  const found =
    keys.value.find(({ name }) => name === ref) ??
    keys.value.find(({ fingerprint }) => fingerprint === ref.toLowerCase())
  return found === undefined ? no({ kind: "not-found", what: "key", id: ref }) : ok(found)
}

async function addKey(asked: Asked, { of, place }: Holder): Promise<Result<Answer>> {
  const { core, asking, params, who } = asked
  const user = await of(asked)
  if (!user.ok) return user
  const { key: publicKey, name } = params
  if (publicKey === undefined || publicKey === "") {
    return refused("MissingParameter", "key is required", { field: "key" })
  }
  if (typeof publicKey !== "string" || (name !== undefined && typeof name !== "string")) {
    return refused("InvalidArgument", "name and key must be texts")
  }
  const named = name === undefined || name === "" ? {} : { name }
  const added = await core.identity.addKey(asking, { publicKey, user: user.value.id, ...named })
  if (!added.ok) return added
  const account = await core.identity.account(who.accountId)
  const path = [account?.login ?? "my", ...place(user.value), added.value.name]
  const Location = `/${path.map(encodeURIComponent).join("/")}`
  return ok(json(renderKey(added.value), 201, { Location }))
}
