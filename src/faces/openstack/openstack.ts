/**
 * The openstack face: Block Storage v1 as Rackspace had it, in JSON and XML, with the Identity
 * that its clients log in by. Each path says itself whose words its faults are told in.
 */
import type { Face, Request } from "../face.ts"
import type { FaceSettings } from "../settings.ts"
import { renderFault, renderMishap } from "./faults.ts"
import { identifyBy, ourOwn } from "./identify.ts"
import { appCredentialRoutes } from "./identity/app-credentials.ts"
import { identityV2 } from "./identity/v2.ts"
import { identityV3 } from "./identity/v3.ts"
import { versionRoutes } from "./identity/versions.ts"
import { stubRoutes } from "./stubs.ts"
import { v1Routes } from "./v1/v1.ts"

export const openstackFace = (settings: FaceSettings["openstack"]): Face => ({
  name: "openstack",
  routes: [
    ...versionRoutes,
    ...identityV2(settings),
    ...identityV3(settings),
    ...appCredentialRoutes,
    ...v1Routes(settings),
    ...stubRoutes,
  ],
  bodyLimitBytes: 112 * 1024,
  identify: identifyBy(ourOwn),
  renderFault,
  renderMishap,
  headers: (request) => ({ "X-Compute-Request-Id": requestIdOf(request) }),
})

/** Their ids begin so; one that a client brought may do so already. */
const requestIdOf = ({ requestId }: Request) =>
  requestId.startsWith("req-") ? requestId : `req-${requestId}`
