/**
 * Images from outside. A qcow2 file may name other files, as its backing or for its data, and a
 * program that opens it reads those in the caller's stead (the class of CVE-2024-32498). So an
 * image is read by our own eyes first and refused if it names anything, then by `qemu-img` in a
 * cage, and only then copied.
 */
import { open } from "node:fs/promises"
import { Refusal } from "../../domain/fault.ts"
import { CommandFailed } from "../../platform/command.ts"
import { tooLarge } from "../streams.ts"
import { type Header, MalformedHeader, parseHeader } from "./header.ts"
import { check, info } from "./qemu-img.ts"
import type { House } from "./store.ts"

/** Resolves with the image's virtual size once nothing speaks against it. */
export async function inspect(house: House, name: string, atMostBytes: number): Promise<number> {
  const { header, fileBytes } = await read(house.spool.file(name))
  const why = whyNot(header, fileBytes)
  if (why !== null) throw bad(why)
  if (header.sizeBytes > atMostBytes) throw tooLarge(header.sizeBytes, atMostBytes)
  try {
    const told = (await info(house, name)) as Info
    const whyEither = whyNotSaysQemu(told)
    if (whyEither !== null) throw bad(whyEither)
    await check(house, name)
    return told["virtual-size"]
  } catch (cause) {
    if (!(cause instanceof CommandFailed)) throw cause
    throw bad(lastLine(cause.stderr) || (cause.exitCode === null ? tooMuch : "it is corrupt"))
  }
}

const bad = (why: string) => new Refusal({ kind: "bad-image", why })
const lastLine = (text: string) => text.trim().split("\n").at(-1)
const tooMuch = "checking it takes too much"

const largestClusterBytes = 2 * 2 ** 20

async function read(path: string): Promise<{ header: Header; fileBytes: number }> {
  const file = await open(path, "r")
  try {
    const { size } = await file.stat()
    const start = Buffer.alloc(Math.min(size, largestClusterBytes))
    await file.read(start, 0, start.length, 0)
    return { header: parseHeader(start), fileBytes: size }
  } catch (cause) {
    if (cause instanceof MalformedHeader) throw bad(cause.message)
    throw cause
  } finally {
    await file.close()
  }
}

/** Bits that we know and that name no other file: dirty, compression type, extended L2 entries. */
const harmlessFeatures = 0b11001n
const corruptFeature = 0b00010n
const dataFileFeature = 0b00100n
const extensionWords = new Map([
  [0x44415441, "it names an external data file"],
  [0x0537be77, "it is encrypted"],
])

function whyNot(header: Header, fileBytes: number): string | null {
  const { clusterBits, incompatibleFeatures: features, l1Entries, l1Offset } = header
  if (header.backingOffset !== 0) return "it names a backing file"
  if (features & dataFileFeature) return "it names an external data file"
  if (features & corruptFeature) return "it is marked as corrupt"
  if (features & ~harmlessFeatures) return "it uses features that are not known here"
  if (header.encryption !== 0) return "it is encrypted"
  for (const type of header.extensions) {
    const words = extensionWords.get(type)
    if (words !== undefined) return words
  }
  if (clusterBits < 9 || clusterBits > 21) return `clusters of 2^${clusterBits} bytes`
  const clusterBytes = 2 ** clusterBits
  if (l1Entries * 8 > 32 * 2 ** 20) return `an L1 table of ${l1Entries} entries`
  if (l1Offset % clusterBytes !== 0 || l1Offset + l1Entries * 8 > fileBytes) {
    return "its L1 table lies outside the file"
  }
  const { refcountTableOffset: table, refcountTableClusters: tableClusters } = header
  if (table % clusterBytes !== 0 || table + 8 > fileBytes || tableClusters > 1024 * 1024) {
    return "its refcount table lies outside the file"
  }
  if (header.internalSnapshots > 65_536) return `${header.internalSnapshots} internal snapshots`
  return null
}

type Info = {
  format: string
  "virtual-size": number
  "backing-filename"?: string
  encrypted?: boolean
  "format-specific"?: { data?: { "data-file"?: string; corrupt?: boolean } }
}

function whyNotSaysQemu(told: Info): string | null {
  const data = told["format-specific"]?.data
  if (told.format !== "qcow2") return `it is ${told.format}, not qcow2`
  if (told["backing-filename"] !== undefined) return "it names a backing file"
  if (data?.["data-file"] !== undefined) return "it names an external data file"
  if (told.encrypted === true) return "it is encrypted"
  if (data?.corrupt === true) return "it is marked as corrupt"
  return null
}
