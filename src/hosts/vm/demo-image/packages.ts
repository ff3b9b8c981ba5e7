/**
 * The pieces of the demo image as the distribution ships them: downloaded and unpacked below a
 * directory, never installed. What is installed on this node does not matter, only what its
 * package lists offer; so the image is the same on every node with the same lists.
 */
import { mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { Refusal } from "../../../domain/fault.ts"
import { CommandFailed, run } from "../../../platform/command.ts"

const kernelMetapackage = "linux-image-cloud-amd64"
const programs = ["busybox-static", "qemu-guest-agent", "e2fsprogs"]

/** Names of the packages: the newest cloud kernel, the programs, and the libraries they need. */
export async function demoPackages(): Promise<string[]> {
  const kernel = (await dependsOf([kernelMetapackage])).find((name) =>
    name.startsWith("linux-image-"),
  )
  if (kernel === undefined) throw noLists(`no ${kernelMetapackage} on offer`)
  return [kernel, ...programs, ...(await librariesOf(programs))]
}

/** The very files that would be downloaded now; the same names mean the same image. */
export async function packageFiles(packages: readonly string[]): Promise<string[]> {
  const uris = await apt(["apt-get", "--print-uris", "download", ...packages])
  return uris
    .split("\n")
    .flatMap((line) => line.split(" ")[1] ?? [])
    .sort()
}

/** Unpacks all of them into `root`, which is made; `scratch` is an empty directory. */
export async function unpack(
  packages: readonly string[],
  scratch: string,
  root: string,
): Promise<void> {
  // As root apt drops to a user of its own, who may not write into our directory.
  const asOurselves = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : []
  await apt(["apt-get", ...asOurselves, "download", ...packages], scratch)
  await mkdir(root, { recursive: true })
  for (const file of (await readdir(scratch)).filter((name) => name.endsWith(".deb"))) {
    await run(["dpkg-deb", "-x", join(scratch, file), root], { timeoutMs: 120_000 })
  }
}

/** Libraries depend on libraries; scripts and data that packages also name do not matter here. */
async function librariesOf(packages: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  let front = [...packages]
  while (front.length > 0) {
    const next = (await dependsOf(front)).filter(isLibrary).filter((name) => !found.has(name))
    for (const name of next) found.add(name)
    front = [...new Set(next)]
  }
  return [...found].sort()
}

const isLibrary = (name: string) =>
  (name.startsWith("lib") || name.startsWith("zlib")) && !name.includes("perl")

/** What they depend on directly; of alternatives (`|Depends`) the first. */
async function dependsOf(packages: readonly string[]): Promise<string[]> {
  const lines = (await apt(["apt-cache", "depends", "--important", ...packages])).split("\n")
  return lines.flatMap((line, index) => {
    const name = /^ [ |](?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]*)$/.exec(line)?.[1]
    const isSecondChoice = lines[index - 1]?.startsWith(" |")
    return name === undefined || isSecondChoice ? [] : [name]
  })
}

async function apt(argv: readonly [string, ...string[]], cwd?: string): Promise<string> {
  try {
    return await run(argv, { timeoutMs: 300_000, ...(cwd === undefined ? {} : { cwd }) })
  } catch (cause) {
    if (cause instanceof CommandFailed) throw noLists(cause.stderr.trim().slice(-500))
    if (isMissing(cause)) throw noLists(`${argv[0]} is missing`)
    throw cause
  }
}

const isMissing = (cause: unknown) =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const noLists = (why: string) =>
  new Refusal({
    kind: "unavailable",
    what: `the packages that the demo image is made of (${why})`,
    remedy: "on Debian, run `apt-get update` and see that the package archive can be reached",
  })
