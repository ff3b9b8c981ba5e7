/** An account's users: its owner, for whom the account itself stands here, and the sub-users. */
import { isOwner, type User } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { Asked } from "./route.ts"

type Of = Pick<Asked, "core" | "who">
type Users = { owner: User | undefined; subUsers: User[] }

async function usersOf({ core, who }: Of): Promise<Result<Users>> {
  const account = await core.identity.account(who.accountId)
  const all = await core.identity.listUsers(who)
  if (!all.ok) return all
  const isThis = (user: User) => account !== undefined && isOwner(user, account)
  return ok({
    owner: all.value.find(isThis),
    subUsers: all.value.filter((user) => !isThis(user)),
  })
}

export async function ownerOf(asked: Of): Promise<Result<User>> {
  const users = await usersOf(asked)
  if (!users.ok) return users
  const { owner } = users.value
  return owner === undefined ? missing("of this account") : ok(owner)
}

export async function subUsersOf(asked: Of): Promise<Result<User[]>> {
  const users = await usersOf(asked)
  return users.ok ? ok(users.value.subUsers) : users
}

/** The one in the path, by login or id. */
export async function subUserIn(asked: Of & Pick<Asked, "request">): Promise<Result<User>> {
  const { user: ref = "" } = asked.request.params
  const subUsers = await subUsersOf(asked)
  if (!subUsers.ok) return subUsers
  const found = subUsers.value.find(({ name, id }) => name === ref || id === ref.toLowerCase())
  return found === undefined ? missing(ref) : ok(found)
}

const missing = (id: string) => no({ kind: "not-found", what: "user", id })
