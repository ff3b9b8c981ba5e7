/**
 * Logging in, the way each generation of clients does it: a refresh token for a bearer token, or
 * a name and a password for a refresh token. None of these asks for a token itself.
 */
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { type Fault, no, ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import { read, readJson } from "../../read.ts"
import type { IaasSettings } from "../../settings.ts"
import { route } from "../route.ts"
import { renderFault } from "../service-error.ts"
import { base } from "../wire/words.ts"

const secret = z.string().min(1).max(1024)
const RefreshWish = z.object({ refreshToken: secret })
const PasswordWish = z.object({
  username: z.string().min(1).max(255),
  password: secret,
})
const TokenForm = z
  .object({ refresh_token: z.exactOptional(secret), api_token: z.exactOptional(secret) })
  .transform(({ refresh_token, api_token }) => refresh_token ?? api_token)
  .pipe(z.string({ error: "needs a refresh_token" }))

/** As long as a refresh token of the original lives that nobody uses. */
const refreshLivesMs = 90 * 24 * 3_600_000

export function loginRoutes({ tokenLifeMs }: IaasSettings): Route[] {
  /** `again`: whether the refresh token is told once more. */
  const login = (path: string, { again }: { again: boolean }): Route =>
    route({
      method: "POST",
      path,
      open: true,
      body: RefreshWish,
      async answer({ core, body, request }) {
        const issued = await bearerFor(core, body.refreshToken)
        if (!issued.ok) return refusedLogin(issued.fault, 403, request)
        const repeated = again ? { refresh_token: body.refreshToken } : {}
        return told({ tokenType: "Bearer", token: issued.value.token, ...repeated })
      },
    })

  const exchange = (path: string): Route =>
    route({
      method: "POST",
      path,
      open: true,
      async answer({ core, request }) {
        const form = readForm(request)
        const wish = form.ok ? read(TokenForm, form.value) : form
        if (!wish.ok) return wish
        const issued = await bearerFor(core, wish.value)
        if (!issued.ok) return refusedLogin(issued.fault, 400, request)
        const { token, expiresAt, issuedAt } = issued.value
        return told({
          access_token: token,
          refresh_token: wish.value,
          token_type: "bearer",
          expires_in: Math.floor((expiresAt - issuedAt) / 1000),
        })
      },
    })

  const password = (path: string, refusal: number): Route =>
    route({
      method: "POST",
      path,
      open: true,
      body: PasswordWish,
      async answer({ core, body, request }) {
        const who = await byPassword(core, body.username, body.password)
        if (!who.ok) return refusedLogin(who.fault, refusal, request)
        const livesMs = refreshLivesMs
        const refresh = await core.identity.issueToken(who.value, { livesMs, kind: "refresh" })
        if (!refresh.ok) return refresh
        const bearer = await core.identity.issueToken(who.value, { livesMs: tokenLifeMs })
        if (!bearer.ok) return bearer
        return told({ refresh_token: refresh.value.token, cspAuthToken: bearer.value.token })
      },
    })

  async function bearerFor(core: Core, refreshToken: string) {
    const who = await core.identity.byRefreshToken(refreshToken)
    return who.ok ? core.identity.issueToken(who.value, { livesMs: tokenLifeMs }) : who
  }

  return [
    login(`${base}/login`, { again: false }),
    // Its client goes on to the other one with the refresh token that it finds in this answer.
    login("/iaas/login", { again: true }),
    password("/csp/gateway/am/api/login", 403),
    // Its client asks again with the whole user@domain for a name, but only after a 400.
    password("/csp/gateway/am/idp/auth/login", 400),
    exchange("/csp/gateway/am/api/auth/api-tokens/authorize"),
    exchange("/tm/oauth/tenant/:org/token"),
  ]
}

const told = (body: object): Result<Answer> => ok({ status: 200, body })

/** A login is refused with 403: the API knows no 401 there. One answer for all that is not right. */
function refusedLogin(fault: Fault, status: number, request: Request): Result<Answer> {
  if (fault.kind !== "unauthenticated") return no(fault)
  const why = "the credentials are not valid, or no longer"
  const { body } = renderFault({ kind: "forbidden", why }, request)
  return ok({ status, body: { ...(body as object), statusCode: status, errorCode: status } })
}

/** Some write `user@domain` for a user who has no domain here. */
async function byPassword(core: Core, name: string, password: string): Promise<Result<Principal>> {
  const who = await core.identity.byPassword(name, password)
  const at = name.lastIndexOf("@")
  if (who.ok || at <= 0) return who
  return core.identity.byPassword(name.slice(0, at), password)
}

/** A form, or JSON of the same members. */
function readForm({ bytes }: Request): Result<unknown> {
  const text = bytes.toString("utf8").trim()
  return text.startsWith("{") ? readJson(bytes) : ok(Object.fromEntries(new URLSearchParams(text)))
}
