/** Every face this service speaks with; one line each. */
import { cloudapiFace } from "./cloudapi/cloudapi.ts"
import type { Face } from "./face.ts"
import { hostwayFace } from "./hostway/hostway.ts"
import { iaasFace } from "./iaas/iaas.ts"
import { nativeFace } from "./native/native.ts"
import { openstackFace } from "./openstack/openstack.ts"
import type { FaceSettings } from "./settings.ts"

export const faces = {
  native: () => nativeFace,
  cloudapi: ({ cloudapi }) => cloudapiFace(cloudapi),
  hostway: ({ hostway }) => hostwayFace(hostway),
  openstack: ({ openstack }) => openstackFace(openstack),
  iaas: ({ iaas }) => iaasFace(iaas),
} as const satisfies Record<string, (settings: FaceSettings) => Face>

export type FaceName = keyof typeof faces
