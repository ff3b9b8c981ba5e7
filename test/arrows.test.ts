/** Each rule of the house is broken once, in a small tree of its own, and must be seen. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, expect, test } from "vitest"
import { cruiseArrows, rules } from "../tools/arrows.ts"

/** A tree in order: every file imports, or is imported, along the arrows. */
const inOrder: Record<string, string[]> = {
  "src/main.ts": ["./faces/registry.ts", "./engines/registry.ts", "./http/serve.ts", "node:fs"],
  "src/http/serve.ts": ["../faces/face.ts"],
  "src/faces/face.ts": ["../core/core.ts"],
  "src/faces/registry.ts": ["./triton/face.ts", "./hostway/face.ts"],
  "src/faces/triton/face.ts": ["../face.ts", "../../domain/fault.ts"],
  "src/faces/hostway/face.ts": ["../face.ts"],
  "src/core/core.ts": ["../operations/saga.ts", "../engines/engine.ts"],
  "src/operations/saga.ts": ["../ledger/ledger.ts"],
  "src/ledger/ledger.ts": ["../domain/fault.ts"],
  "src/engines/engine.ts": ["../domain/fault.ts"],
  "src/engines/registry.ts": ["./qcow2/engine.ts", "./rbd/engine.ts"],
  "src/engines/qcow2/engine.ts": ["../engine.ts", "../../platform/command.ts"],
  "src/engines/rbd/engine.ts": ["../engine.ts"],
  "src/hosts/host.ts": ["../domain/fault.ts"],
  "src/platform/command.ts": ["../domain/fault.ts", "node:child_process"],
  "src/domain/fault.ts": [],
  "src/cli/tintype.ts": ["../domain/fault.ts"],
}

/** What is added to that tree, and the rule that must object to it. */
const planted: [rule: string, file: string, imports: string[]][] = [
  ["nothing-in-http-looks-up", "src/http/serve.ts", ["../cli/tintype.ts"]],
  ["nothing-in-faces-looks-up", "src/faces/face.ts", ["../http/serve.ts"]],
  ["nothing-in-core-looks-up", "src/core/core.ts", ["../faces/face.ts"]],
  ["nothing-in-operations-looks-up", "src/operations/saga.ts", ["../core/core.ts"]],
  ["nothing-in-engines-hosts-ledger-looks-up", "src/hosts/host.ts", ["../operations/saga.ts"]],
  ["nothing-in-platform-looks-up", "src/platform/command.ts", ["../operations/saga.ts"]],
  ["nothing-in-domain-looks-up", "src/domain/fault.ts", ["../platform/command.ts"]],
  ["every-room-is-on-a-floor", "src/attic/box.ts", ["../domain/fault.ts"]],
  ["neighbours-do-not-visit", "src/engines/qcow2/engine.ts", ["../../hosts/host.ts"]],
  ["implementations-do-not-visit", "src/engines/qcow2/engine.ts", ["../rbd/engine.ts"]],
  ["implementations-do-not-visit", "src/faces/triton/face.ts", ["../hostway/face.ts"]],
  ["only-the-registry-opens-the-door", "src/main.ts", ["./engines/rbd/engine.ts"]],
  ["only-the-registry-opens-the-door", "src/http/serve.ts", ["../faces/triton/face.ts"]],
  ["faces-speak-only-to-the-core", "src/faces/triton/face.ts", ["../../engines/engine.ts"]],
  ["cli-uses-the-front-door", "src/cli/tintype.ts", ["../core/core.ts"]],
  ["domain-imports-nothing", "src/domain/fault.ts", ["node:fs"]],
  ["no-development-tools-at-run-time", "src/main.ts", ["vitest"]],
  ["no-dead-ends", "src/main.ts", ["./nowhere.ts"]],
  ["no-circles", "src/engines/engine.ts", ["./registry.ts"]],
  ["no-orphans", "src/core/forgotten.ts", []],
]

const trees: string[] = []
afterEach(async () => {
  for (const tree of trees.splice(0)) await rm(tree, { recursive: true })
})

test("a tree in order has nothing to report", async () => {
  const { modules, violations } = await cruiseArrows(await plant(inOrder))
  expect(violations).toEqual([])
  expect(modules).toBe(Object.keys(inOrder).length)
})

for (const [rule, file, imports] of planted) {
  test(`${rule}: ${file} imports ${imports.join(", ") || "nothing"}`, async () => {
    const tree = { ...inOrder, [file]: [...(inOrder[file] ?? []), ...imports] }
    const { violations } = await cruiseArrows(await plant(tree))
    expect(violations.filter((violation) => violation.startsWith(`${rule}: ${file}`))).not.toEqual(
      [],
    )
  })
}

test("an import of types alone is an arrow too", async () => {
  const tree = await plant(inOrder)
  await write(tree, "src/cli/tintype.ts", 'import type { a } from "../core/core.ts"\n')
  const { violations } = await cruiseArrows(tree)
  expect(violations).toContain("cli-uses-the-front-door: src/cli/tintype.ts -> src/core/core.ts")
})

test("no rule goes without a violation planted for it", () => {
  const shown = new Set(planted.map(([rule]) => rule))
  expect(rules.map((rule) => rule.name).filter((name) => !shown.has(name ?? ""))).toEqual([])
})

async function plant(files: Record<string, string[]>): Promise<string> {
  const tree = await mkdtemp(join(tmpdir(), "tintype-arrows-"))
  trees.push(tree)
  const root = fileURLToPath(new URL("..", import.meta.url))
  await symlink(join(root, "node_modules"), join(tree, "node_modules"))
  await write(tree, "package.json", JSON.stringify({ devDependencies: { vitest: "*" } }))
  for (const [file, imports] of Object.entries(files)) {
    const lines = imports.map((from, index) => `import { a as a${index} } from "${from}"`)
    await write(tree, file, `${lines.join("\n")}\nexport const a = 1\n`)
  }
  return tree
}

async function write(tree: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(tree, file)), { recursive: true })
  await writeFile(join(tree, file), text)
}
