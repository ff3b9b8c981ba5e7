/**
 * JSON as the original reads it: `True` is `true`. PowervRA puts PowerShell's own words for yes and
 * no into its bodies, and they have always been taken.
 */
import type { Result } from "../../domain/fault.ts"
import { readJson } from "../read.ts"

export function readBodyJson(bytes: Buffer): Result<unknown> {
  const strict = readJson(bytes)
  return strict.ok ? strict : readJson(inLowerCase(bytes))
}

/** Texts are stepped over, one that is not closed to the end: no body takes more than one pass. */
const textOrWord = /"(?:[^"\\]|\\.)*\\?(?:"|$)|\b(?:true|false|null)\b/gis

/** Byte for byte, so that what is no UTF-8 stays so. */
function inLowerCase(bytes: Buffer): Buffer {
  const lowered = bytes
    .toString("latin1")
    .replace(textOrWord, (found) => (found.startsWith('"') ? found : found.toLowerCase()))
  return Buffer.from(lowered, "latin1")
}
