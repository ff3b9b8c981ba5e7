import type { Role } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { json, refused, shown } from "../answers.ts"
import { type Asked, route } from "../route.ts"
import { subUserIn, subUsersOf } from "../users.ts"
import { policies, policyNamed, renderRole, renderUser, roleNamed, roles } from "../wire/users.ts"

/**
 * To look at: users are made by whoever runs the service, with one role each of those that there
 * are. An account's owner gives them keys (`keys.ts`).
 */
export const userRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/:account/users",
    answer: async (asked) =>
      shown(await subUsersOf(asked), (users) =>
        users.map((user) => renderUser(user, asked.dialect)),
      ),
  }),
  route({
    method: "GET",
    path: "/:account/users/:user",
    answer: async (asked) =>
      shown(await subUserIn(asked), (user) => renderUser(user, asked.dialect)),
  }),
  route({ method: "GET", path: "/:account/roles", answer: (asked) => rolesOf(asked, roles) }),
  route({
    method: "GET",
    path: "/:account/roles/:role",
    async answer(asked) {
      const { role: ref = "" } = asked.request.params
      const role = roleNamed(ref)
      if (role === undefined) return missing("role", ref)
      const users = await subUsersOf(asked)
      return shown(users, (all) => renderRole(role, all, asked.dialect))
    },
  }),
  route({ method: "GET", path: "/:account/policies", answer: async () => ok(json(policies)) }),
  route({
    method: "GET",
    path: "/:account/policies/:policy",
    async answer({ request }) {
      const { policy: ref = "" } = request.params
      const policy = policyNamed(ref)
      return policy === undefined ? missing("policy", ref) : ok(json(policy))
    },
  }),
]

const rolesOf = async (asked: Asked, each: readonly Role[]): Promise<Result<Answer>> =>
  shown(await subUsersOf(asked), (users) =>
    each.map((role) => renderRole(role, users, asked.dialect)),
  )

const missing = (what: string, ref: string) =>
  refused("ResourceNotFound", `${what} ${ref.slice(0, 64)} not found`)
