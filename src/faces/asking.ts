/** Who asks, as the core wants it told: with the face, the address and the key, for the history. */
import type { Asking } from "../core/core.ts"
import type { Principal } from "../domain/account.ts"
import type { Request } from "./face.ts"

export const askingOf = (
  face: string,
  who: Principal,
  { remoteAddress: address }: Request,
  key: string | null = null,
): Asking => ({ who, caller: { face, address, key } })
