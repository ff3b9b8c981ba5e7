/**
 * The API's own description (Swagger 2.0), as far as it is served here: cut from the original by
 * `tools/iaas-document.ts`. It names no host: clients take the one that they had it from.
 */
import { readFileSync } from "node:fs"

let bytes: Buffer | undefined

export function document(): Buffer {
  bytes ??= readFileSync(new URL("vra-iaas.json", import.meta.url))
  return bytes
}
