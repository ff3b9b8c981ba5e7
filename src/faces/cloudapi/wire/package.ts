/**
 * The sizes that machines come in. They are data: the same in every installation. Clients show and
 * take the first eight digits of an id, so these differ.
 */
import type { Hardware } from "../../../domain/machine.ts"
import { type Params, wordOf } from "../body.ts"

export type Package = {
  id: string
  name: string
  /** Sizes are in MiB. */
  memory: number
  disk: number
  vcpus: number
}

export const packages: readonly Package[] = [
  {
    id: "2f9d1a56-5a1b-4e0e-8f55-1d9a00000256",
    name: "sample-256M",
    memory: 256,
    disk: 1024,
    vcpus: 1,
  },
  {
    id: "6b3c4e12-5a1b-4e0e-8f55-1d9a00000512",
    name: "sample-512M",
    memory: 512,
    disk: 2048,
    vcpus: 1,
  },
  {
    id: "c1a6f0e8-5a1b-4e0e-8f55-1d9a00001024",
    name: "sample-1G",
    memory: 1024,
    disk: 4096,
    vcpus: 2,
  },
]

export const packageNamed = (ref: string): Package | undefined =>
  packages.find(({ id, name }) => id === ref.toLowerCase() || name === ref)

/** Empty for a machine that was given another size through another API. */
export const packageOf = ({ memoryMiB, cpus }: Hardware): string =>
  packages.find(({ memory, vcpus }) => memory === memoryMiB && vcpus === cpus)?.name ?? ""

export const renderPackage = ({ id, name, memory, disk, vcpus }: Package) => ({
  id,
  name,
  memory,
  disk,
  swap: 0,
  lwps: 4000,
  vcpus,
  version: "1.0.0",
  group: "sample",
  description: `${memory} MiB of memory, a disk of at least ${disk} MiB`,
  default: name === "sample-256M",
})

const filters = ["name", "memory", "disk", "swap", "lwps", "vcpus", "version", "group"] as const

/** Texts may have `*` for anything. */
export function isWanted(shown: ReturnType<typeof renderPackage>, asked: Params): boolean {
  return filters.every((field) => {
    if (asked[field] === undefined) return true
    const wanted = wordOf(asked[field])
    return wanted !== undefined && fits(`${shown[field]}`, wanted)
  })
}

/** Each piece between asterisks is looked for after the one before: no backtracking. */
function fits(text: string, wanted: string): boolean {
  const [first = "", ...rest] = wanted.split("*")
  const last = rest.pop()
  if (last === undefined) return text === wanted
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found === -1) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
