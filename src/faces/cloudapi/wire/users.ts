import type { Role, User } from "../../../domain/account.ts"
import type { Dialect } from "../versions.ts"
import { timeText } from "./words.ts"

/** Of people's names and mail nothing is known here. */
export const renderUser = ({ id, name, createdAt }: User, dialect: Dialect) => ({
  id,
  login: name,
  email: "",
  created: timeText(createdAt, dialect),
  updated: timeText(createdAt, dialect),
})

/** The same in every installation: who has which is what differs. */
const known: Record<Role, { id: string; policyId: string; rule: string }> = {
  member: {
    id: "3a7e19c4-5a1b-4e0e-8f55-1d9b00000001",
    policyId: "47c08e2d-5a1b-4e0e-8f55-1d9c00000001",
    rule: "CAN *",
  },
  reader: {
    id: "84d2f06b-5a1b-4e0e-8f55-1d9b00000002",
    policyId: "9e61b7f3-5a1b-4e0e-8f55-1d9c00000002",
    rule: "CAN get* AND list* AND head* AND machineaudit",
  },
  admin: {
    id: "e95b3d18-5a1b-4e0e-8f55-1d9b00000003",
    policyId: "d20f5a84-5a1b-4e0e-8f55-1d9c00000003",
    rule: "CAN *",
  },
}
export const roles: readonly Role[] = ["member", "reader", "admin"]

export const roleNamed = (ref: string): Role | undefined =>
  roles.find((role) => role === ref || known[role].id === ref.toLowerCase())

/** Of each role one, called like it. */
export const policies = roles.map((name) => ({
  id: known[name].policyId,
  name,
  rules: [known[name].rule],
}))
export const policyNamed = (ref: string) =>
  policies.find(({ id, name }) => name === ref || id === ref.toLowerCase())

/** Version 9 has references where those before have names; each user's role is its default. */
export function renderRole(role: Role, users: readonly User[], { references }: Dialect) {
  const { id, policyId } = known[role]
  const members = users.filter((user) => user.role === role)
  const names = members.map(({ name }) => name)
  return references
    ? {
        id,
        name: role,
        policies: [{ id: policyId, name: role }],
        members: members.map(({ id: userId, name }) => ({
          type: "subuser",
          login: name,
          id: userId,
          default: true,
        })),
      }
    : { id, name: role, policies: [role], members: names, default_members: names }
}
