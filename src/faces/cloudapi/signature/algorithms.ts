/** The ways of signing that the clients use; `sdc-*` through an ssh-agent signs with SHA-1. */
const hashes = {
  rsa: ["sha1", "sha256", "sha384", "sha512"],
  dsa: ["sha1", "sha256"],
  ecdsa: ["sha256", "sha384", "sha512"],
  ed25519: ["sha512"],
} as const

export type Family = keyof typeof hashes
/** `hash` null: the family has its own. */
export type Algorithm = { family: Family; hash: string | null }

const known = new Map<string, Algorithm>(
  Object.entries(hashes).flatMap(([family, each]) =>
    each.map((hash) => [
      `${family}-${hash}`,
      { family: family as Family, hash: family === "ed25519" ? null : hash },
    ]),
  ),
)

export const algorithmNamed = (name: string): Algorithm | undefined => known.get(name.toLowerCase())
