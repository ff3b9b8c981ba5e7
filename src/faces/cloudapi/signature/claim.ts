/** What a request says of who signed it, and the very text that was signed. */
import type { Request } from "../../face.ts"
import type { Algorithm } from "./algorithms.ts"

export type Claim = {
  keyId: string
  algorithm: Algorithm
  signed: string
  signature: Buffer
}

/** Signed requests are good for this long, and may come from clocks as far ahead. */
export const skewSeconds = 300

export type Signing = Pick<Request, "method" | "urlAsSent" | "headers" | "query">
