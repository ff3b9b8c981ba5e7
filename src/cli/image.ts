import type { Command } from "commander"
import { leaf, option } from "./leaf.ts"
import { inspection, listing } from "./listing.ts"
import { removal } from "./removal.ts"
import { kinds, type Resource } from "./resources.ts"
import { openLocal, upload } from "./upload.ts"
import { followAndPrint } from "./work.ts"

export function imageCommands(noun: Command): void {
  listing(noun, kinds.image)
  inspection(noun, kinds.image)
  removal(noun, kinds.image)

  leaf(noun, {
    words: "build-demo",
    summary: "build the demo image, public to all accounts, and wait until it is ready",
    example: "tintype image build-demo",
    works: true,
    async run(session, _, options) {
      const ask = { method: "POST", path: "/api/images/demo" } as const
      const accepted = await session.client.json<Resource>(ask)
      const started = { kind: kinds.image, accepted, doing: "building the demo image" }
      await followAndPrint(session, started, { ...options, wait: true })
    },
  })

  leaf<{ name: string; format: string }>(noun, {
    words: "import <file>",
    summary: "make an image from a disk, or from a root file system for containers (- is stdin)",
    example: "tintype image import --name debian --format qcow2 debian-12.qcow2",
    options: [
      option("--name <name>", "the image's name").makeOptionMandatory(),
      option("--format <format>", "what the file is; it is never guessed")
        .choices(["raw", "qcow2", "rootfs"])
        .default("raw"),
    ],
    works: true,
    async run(session, [path = ""], { name, format, timeout }) {
      const file = await openLocal(path)
      // A sparse stream tells its disk's size only at its end, and the server wants it before.
      const sectors = Math.ceil((file.sizeBytes ?? 0) / 512)
      const size = format === "raw" && sectors > 0 ? { sizeBytes: sectors * 512 } : {}
      const image = await upload<Resource>(session, {
        ask: { method: "POST", path: kinds.image.collection, query: { name, ...size } },
        file,
        format,
        doing: `importing ${path}`,
        timeoutMs: timeout,
      })
      await session.printOne(kinds.image, image)
    },
  })
}
