/**
 * Secrets: passwords and API keys are kept as argon2id (RFC 9106) hashes, tokens as SHA-256. A
 * token is 256 random bits, so a fast hash is enough; what people choose needs a slow one.
 */
import { argon2, createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import type { AppCredential, AppCredentialRow, User, UserRow } from "../domain/account.ts"
import { Refusal } from "../domain/fault.ts"

const derive = promisify(argon2)
const cost = { parallelism: 1, tagLength: 32, memory: 19_456, passes: 2 }

export const newSecret = (): string => randomBytes(32).toString("base64url")

export const hashToken = (token: string): string =>
  createHash("sha256").update(token).digest("base64url")

/** What is longer is refused where it is made, so that nothing longer can ever be right. */
export const longestSecret = 1024

export function mustBeSecret(secret: string, field: string): void {
  if (secret.length <= longestSecret && secret.isWellFormed()) return
  const why = `at most ${longestSecret} characters, and well-formed`
  throw new Refusal({ kind: "invalid", why, field })
}

/** `argon2id$memory$passes$parallelism$salt$tag`, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const tag = await tagOf(password, salt, cost)
  const { memory, passes, parallelism } = cost
  const parts = [memory, passes, parallelism, salt.toString("base64url"), tag.toString("base64url")]
  return ["argon2id", ...parts].join("$")
}

/** Takes the same time whether there is such a user or not: pass null where there is none. */
export async function checkPassword(password: string, hash: string | null): Promise<boolean> {
  const [name, memory, passes, parallelism, salt, tag] = (hash ?? nobody).split("$")
  const expected = Buffer.from(tag ?? "", "base64url")
  const how = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  }
  const actual = await tagOf(password, Buffer.from(salt ?? "", "base64url"), how)
  return timingSafeEqual(actual, expected) && hash !== null && name === "argon2id"
}

export function withoutHashes({ passwordHash, apiKeyHash, ...user }: UserRow): User {
  return user
}

export function withoutHash({ secretHash, ...credential }: AppCredentialRow): AppCredential {
  return credential
}

const tagOf = async (password: string, nonce: Buffer, how: typeof cost): Promise<Buffer> =>
  await derive("argon2id", { message: password, nonce, ...how })

const nobody = `argon2id$19456$2$1$${"A".repeat(22)}$${"A".repeat(43)}`
