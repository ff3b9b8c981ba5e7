/**
 * Who somebody is, by whatever he brought, and for which account he is to act. Every way of not
 * being known has one answer: nothing tells which part of it was wrong.
 */
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"

export type UserRef = { name: string } | { id: string }
export type Proof =
  | { by: "password"; user: UserRef; password: string }
  | { by: "api-key"; user: UserRef; apiKey: string }
  | { by: "token"; token: string }
  | { by: "app-credential"; id: string; secret: string }
  | { by: "app-credential"; user: UserRef; name: string; secret: string }

/** `livesMs`: what is made of it ends no later. Absent: it may live as long as any. */
export type Proven = { who: Principal; livesMs?: number }

export const stranger = no({
  kind: "unauthenticated",
  why: "The request you have made requires authentication.",
})

export async function prove(core: Core, proof: Proof): Promise<Result<Proven>> {
  const { identity } = core
  switch (proof.by) {
    case "password":
      return proven(await identity.byPassword(await nameOf(core, proof.user), proof.password))
    case "api-key":
      return proven(await identity.byApiKey(await nameOf(core, proof.user), proof.apiKey))
    case "token":
      return byToken(core, proof.token)
    case "app-credential": {
      if ("id" in proof) {
        return proven(await identity.byAppCredential({ id: proof.id }, proof.secret))
      }
      const ref = { userName: await nameOf(core, proof.user), name: proof.name }
      return proven(await identity.byAppCredential(ref, proof.secret))
    }
  }
}

const proven = (found: Result<Principal>): Result<Proven> =>
  found.ok ? ok({ who: found.value }) : found

async function byToken({ identity }: Core, token: string): Promise<Result<Proven>> {
  const found = await identity.describeToken(token)
  if (!found.ok) return found
  const { who, expiresAt } = found.value
  return ok(expiresAt === null ? { who } : { who, livesMs: expiresAt - Date.now() })
}

/** A name that nobody has, where there is no such user: its check takes as long as any other. */
async function nameOf({ identity }: Core, ref: UserRef): Promise<string> {
  if ("name" in ref) return ref.name
  const id = parseId<"user">(withDashes(ref.id))
  return (id && (await identity.user(id)))?.name ?? ""
}

/** Ids are told here without dashes, as these APIs have them, and taken either way. */
export const withoutDashes = (id: string): string => id.replaceAll("-", "")
export const withDashes = (id: string): string =>
  id.replace(
    /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
    "$1-$2-$3-$4-$5",
  )

/** An account that is another's is as unknown as one that nobody has. */
export async function actFor(
  core: Core,
  who: Principal,
  ref: string | undefined,
): Promise<Result<Principal>> {
  if (ref === undefined) return ok(who)
  const acting = await core.identity.actFor(who, ref)
  return acting.ok ? acting : stranger
}
