import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { page, shown } from "../answers.ts"
import { route } from "../route.ts"
import {
  AccountPage,
  AccountWish,
  Key,
  KeyPage,
  KeyWish,
  NewAccount,
  NewUser,
  PageQuery,
  renderAccount,
  renderKey,
  renderNewAccount,
  renderNewUser,
  UserWish,
} from "../wire/account.ts"
import {
  AccountQuota,
  AccountRef,
  QuotaWish,
  renderAccountQuota,
  renderUsage,
  Usage,
} from "../wire/quota.ts"

const tag = "accounts"

export const accountRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/accounts",
    tag,
    summary: "Makes an account and the user who owns it",
    body: AccountWish,
    answers: { 201: NewAccount },
    answer: async ({ core, asking, body }) =>
      shown(await core.identity.createAccount(asking, body), renderNewAccount, 201),
  }),
  route({
    method: "GET",
    path: "/api/accounts",
    tag,
    summary: "All accounts",
    query: PageQuery,
    answers: { 200: AccountPage },
    answer: ({ core, who, query }) =>
      page(query, (one) => core.identity.listAccounts(who, one), renderAccount),
  }),
  route({
    method: "PUT",
    path: "/api/accounts/:ref/quota",
    params: AccountRef,
    tag,
    summary: "Says what an account may use, instead of the service's own quota",
    body: QuotaWish,
    answers: { 200: AccountQuota },
    async answer({ core, asking, body, request }) {
      const ref = request.params["ref"] ?? ""
      return shown(await core.identity.setQuota(asking, ref, body), renderAccountQuota)
    },
  }),
  route({
    method: "GET",
    path: "/api/usage",
    tag,
    summary: "What the account uses, and what it may",
    answers: { 200: Usage },
    answer: async ({ core, who }) => shown(await core.identity.usage(who), renderUsage),
  }),
  route({
    method: "POST",
    path: "/api/users",
    tag,
    summary: "Makes a user of an account",
    body: UserWish,
    answers: { 201: NewUser },
    answer: async ({ core, asking, body }) =>
      shown(await core.identity.createUser(asking, body), renderNewUser, 201),
  }),
  route({
    method: "POST",
    path: "/api/keys",
    tag,
    summary: "Adds an SSH public key",
    body: KeyWish,
    answers: { 201: Key },
    answer: async ({ core, asking, body }) =>
      shown(await core.identity.addKey(asking, body), renderKey, 201),
  }),
  route({
    method: "GET",
    path: "/api/keys",
    tag,
    summary: "The account's SSH public keys",
    answers: { 200: KeyPage },
    async answer({ core, who }) {
      const keys = await core.identity.listKeys(who)
      return keys.ok
        ? ok({ status: 200, body: { items: keys.value.map(renderKey), next: null } })
        : keys
    },
  }),
]
