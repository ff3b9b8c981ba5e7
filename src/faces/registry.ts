/** Every face this service speaks with; one line each. */
import type { Face } from "./face.ts"
import { nativeFace } from "./native/native.ts"
import type { FaceSettings } from "./settings.ts"

export const faces = {
  native: () => nativeFace,
} as const satisfies Record<string, (settings: FaceSettings) => Face>

export type FaceName = keyof typeof faces
