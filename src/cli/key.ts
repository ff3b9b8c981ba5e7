import { readFile } from "node:fs/promises"
import type { Command } from "commander"
import { Failure, fileFailure } from "./failure.ts"
import { leaf, option } from "./leaf.ts"
import { kinds, type Resource } from "./resources.ts"

export function keyCommands(noun: Command): void {
  leaf<{ name?: string; user?: string }>(noun, {
    words: "add <file>",
    summary: "let the holder of an SSH key sign requests for an account",
    example: "tintype key add --account alice ~/.ssh/id_ed25519.pub",
    options: [
      option("--name <name>", "default: the key's MD5 fingerprint"),
      option("--user <user>", "the user of the account who signs with it; default: its owner"),
    ],
    async run(session, [file = ""], { name, user }) {
      const body = { publicKey: await readPublicKey(file), name, user }
      const ask = { method: "POST", path: kinds.key.collection, body } as const
      await session.printOne(kinds.key, await session.client.json<Resource>(ask))
    },
  })

  leaf(noun, {
    words: "list",
    summary: "list the SSH keys of an account",
    example: "tintype key list --account alice",
    async run(session) {
      const keys = await session.client.all<Resource>(kinds.key.collection)
      await session.printAll(kinds.key, keys)
    },
  })
}

/** A private key must never leave this machine, not even by a slip of the file name. */
async function readPublicKey(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause) => {
    throw fileFailure(file, "read", cause)
  })
  if (text.includes("PRIVATE KEY")) {
    throw new Failure("usage", `${file} is a private key; give the file that ends in .pub`)
  }
  return text.trim()
}
