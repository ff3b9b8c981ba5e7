/** The tree keeps its own rules of tidiness; what a linter cannot see is looked at here. */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))
const files = listFiles()
const sources = files.filter((file) => /^(src|tools|bench)\/.*\.ts$/.test(file))
const isTest = (file: string) => /\.(test|suite|story)\.ts$/.test(file) || file.startsWith("test/")
const texts = new Map(files.filter(isText).map((file) => [file, read(file)]))

test("every room of the house says in a README what it is for", () => {
  const rooms = new Set(sources.map((file) => dirname(file).split("/").slice(0, 2).join("/")))
  rooms.delete("src")
  expect([...rooms].filter((room) => !existsSync(join(root, room, "README.md")))).toEqual([])
})

test("a folder's README is short enough to be read", () => {
  const readmes = files.filter((file) => /.\/README\.md$/.test(file))
  expect(readmes.filter((file) => lines(read(file)) > 15)).toEqual([])
})

test("no file has a name that fits everything", () => {
  const vague = /(^|[-./])(utils?|helpers?|common|managers?|misc|shared|stuff)([-./]|$)/
  expect(files.filter((file) => vague.test(file))).toEqual([])
})

test("no test is skipped, left alone, or still to be written", () => {
  const left = /\b(?:it|test|describe)\s*(?:\.\w+)*\.(?:skip|only|todo|skipIf|runIf)\b/
  const bad = [...texts].filter(([file, text]) => isTest(file) && left.test(text))
  expect(bad.map(([file]) => file)).toEqual([])
})

test("nothing is left unfinished without a link to where it is talked about", () => {
  const mark = new RegExp(`\\b(${["TO", "DO"].join("")}|${["FIX", "ME"].join("")})\\b`)
  const bad = linesWith(mark).filter(({ line }) => !/https?:\/\//.test(line))
  expect(bad).toEqual([])
})

test("source files fit on a few screens", () => {
  const long = sources.filter((file) => !isTest(file) && lines(texts.get(file) ?? "") > 250)
  expect(long).toEqual([])
})

test("the tree names no machine's own folders", () => {
  const paths = ["home", "work", "Users"].map((word) => `/${word}/`).join("|")
  expect(linesWith(new RegExp(`(^|[\\s"'\`(=:])(${paths})`))).toEqual([])
})

test("the tree names no package registry", () => {
  const hosts = ["registry\\.npmjs", "npmjs\\.org", "yarnpkg\\.com", "npm\\.pkg\\.github"]
  const lock = read("package-lock.json")
  expect(linesWith(new RegExp(hosts.join("|")), ["test/tidy.test.ts"])).toEqual([])
  expect(lock).not.toContain('"resolved"')
  expect(lock).not.toMatch(new RegExp(hosts.join("|")))
})

/** What is, or is about to be, under version control. */
function listFiles(): string[] {
  const argv = ["ls-files", "--cached", "--others", "--exclude-standard"]
  const listed = execFileSync("git", argv, { cwd: root, encoding: "utf8" }).split("\n")
  return listed.filter((file) => file !== "" && existsSync(join(root, file)))
}

function isText(file: string): boolean {
  return (
    /\.(ts|json|md|mjs|cjs|js|yml|yaml|toml|html|css)$/.test(file) || !/\./.test(basename(file))
  )
}

function read(file: string): string {
  return readFileSync(join(root, file), "utf8")
}

function lines(text: string): number {
  return text.trimEnd().split("\n").length
}

function linesWith(pattern: RegExp, except: readonly string[] = []) {
  return [...texts]
    .filter(
      ([file]) => !except.includes(file) && file !== "package-lock.json" && file !== "LICENSE",
    )
    .flatMap(([file, text]) => text.split("\n").map((line) => ({ file, line })))
    .filter(({ line }) => pattern.test(line))
}
