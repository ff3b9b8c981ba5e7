/** Every face this service speaks with; one line each. */
import type { Face } from "./face.ts"
import { nativeFace } from "./native/native.ts"

export const faces = {
  native: nativeFace,
} as const satisfies Record<string, Face>

export type FaceName = keyof typeof faces
