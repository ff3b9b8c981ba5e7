/** Tokens: given, looked up by their hash, and taken back. The text is in nobody's memory here. */
import type { Principal, Token, TokenKind, UserRow } from "../domain/account.ts"
import { attempt, Refusal } from "../domain/fault.ts"
import { type AppCredentialId, newId, type UserId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Identity } from "./core.ts"
import { mostToHandOn, principalOf, stranger } from "./principals.ts"
import { hashToken, newSecret, withoutHashes } from "./secrets.ts"

type Verbs = "byToken" | "byRefreshToken" | "issueToken" | "describeToken" | "revokeToken"

const shortestMs = 1000
const longestMs = 365 * 24 * 3_600_000
/** Of one user's tokens of one kind; with one more, the oldest that expires at all is forgotten. */
const mostTokens = 10_000

export function openTokens({
  ledger,
  clock,
}: Pick<Context, "ledger" | "clock">): Pick<Identity, Verbs> {
  async function mustKnow(text: string, kind: TokenKind): Promise<Known> {
    // Looked up by its hash: how long that takes tells nothing about any token.
    const token = await ledger.read.tokens.byHash(hashToken(text))
    const user = token && (await ledger.read.users.get(token.userId))
    const who = user && principalOf(user, token)
    if (token?.kind !== kind || user === undefined || who === undefined) {
      throw new Refusal(stranger)
    }
    if (token.expiresAt !== null && token.expiresAt <= clock()) throw new Refusal(stranger)
    return { token, user, who }
  }

  return {
    byToken: (text) => attempt(async () => (await mustKnow(text, "bearer")).who),
    byRefreshToken: (text) => attempt(async () => (await mustKnow(text, "refresh")).who),

    issueToken: (who, { livesMs, kind = "bearer", story = null }) =>
      attempt(async () => {
        if (!Number.isSafeInteger(livesMs) || livesMs < shortestMs || livesMs > longestMs) {
          const why = `a token lives for ${shortestMs} to ${longestMs} milliseconds`
          throw new Refusal({ kind: "invalid", why, field: "livesMs" })
        }
        const token = newSecret()
        const { userId, accountId, credentialId = null } = who
        const issuedAt = clock()
        const role = mostToHandOn(who)
        const expiresAt = await ledger.transaction(async (rooms) => {
          if ((await rooms.users.get(userId)) === undefined) throw new Refusal(stranger)
          const expiresAt = Math.min(issuedAt + livesMs, await endOf(rooms, credentialId, issuedAt))
          await makeRoom(rooms, { userId, kind }, issuedAt)
          await addToken(rooms, {
            ...{ userId, kind, token, nowMs: issuedAt },
            ...{ accountId, role, credentialId, story, expiresAt },
          })
          return expiresAt
        })
        return { token, issuedAt, expiresAt }
      }),

    describeToken: (text) =>
      attempt(async () => {
        const { token, user, who } = await mustKnow(text, "bearer")
        const account = await ledger.read.accounts.get(who.accountId)
        if (account === undefined) throw new Refusal(stranger)
        return {
          who,
          user: withoutHashes(user),
          account,
          story: token.story,
          issuedAt: token.createdAt,
          expiresAt: token.expiresAt,
        }
      }),

    revokeToken: (who, text) =>
      attempt(async () => {
        const hash = hashToken(text)
        await ledger.transaction(async (rooms) => {
          const token = await rooms.tokens.byHash(hash)
          if (token === undefined || (token.userId !== who.userId && !who.everywhere)) {
            // The beginning of its hash: enough to recognise it by, and of no use to anybody.
            throw new Refusal({ kind: "not-found", what: "token", id: hash.slice(0, 12) })
          }
          await rooms.tokens.remove(token.id)
        })
        return null
      }),
  }
}

type Known = { token: Token; user: UserRow; who: Principal }

/** A token got with a credential does not outlive it. */
async function endOf(rooms: Rooms, id: AppCredentialId | null, nowMs: number): Promise<number> {
  const never = Number.POSITIVE_INFINITY
  if (id === null) return never
  const credential = await rooms.appCredentials.get(id)
  const end = credential === undefined ? 0 : (credential.expiresAt ?? never)
  if (end <= nowMs) throw new Refusal(stranger)
  return end
}

async function makeRoom(
  rooms: Rooms,
  alike: Pick<Token, "userId" | "kind">,
  nowMs: number,
): Promise<void> {
  if ((await rooms.tokens.count(alike)) < mostTokens) return
  await rooms.tokens.forgetExpired(nowMs)
  let tooMany = (await rooms.tokens.count(alike)) - mostTokens + 1
  let after = ""
  while (tooMany > 0) {
    const page = await rooms.tokens.find(alike, { limit: 100, after })
    const last = page.at(-1)
    if (last === undefined) return
    after = last.id
    const expiring = page.filter((token) => token.expiresAt !== null).slice(0, tooMany)
    for (const { id } of expiring) await rooms.tokens.remove(id)
    tooMany -= expiring.length
  }
}

/** Keeps the hash; the token itself is in nobody's memory but the caller's. */
export async function addToken(
  rooms: Rooms,
  wish: { userId: UserId; kind: TokenKind; token: string; nowMs: number } & Partial<
    Pick<Token, "accountId" | "role" | "credentialId" | "story" | "expiresAt">
  >,
): Promise<void> {
  const { userId, kind, token, nowMs, accountId = null, role = null } = wish
  await rooms.tokens.add({
    id: newId<"token">(nowMs),
    hash: hashToken(token),
    kind,
    userId,
    accountId,
    role,
    credentialId: wish.credentialId ?? null,
    story: wish.story ?? null,
    createdAt: nowMs,
    expiresAt: wish.expiresAt ?? null,
  })
}
