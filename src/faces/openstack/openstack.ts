/**
 * The openstack face: Block Storage v1 as Rackspace had it, in JSON and XML, with the Identity
 * that its clients log in by. Each path says itself whose words its faults are told in.
 */
import type { Answer, Face, Request } from "../face.ts"
import type { FaceSettings } from "../settings.ts"
import { identityOf } from "./addresses.ts"
import { whoseWords } from "./dialects.ts"
import { renderFault, renderMishap } from "./faults.ts"
import { identifyBy, ourOwn } from "./identify.ts"
import { appCredentialRoutes } from "./identity/app-credentials.ts"
import { byKeystone } from "./identity/keystone.ts"
import { identityV2 } from "./identity/v2.ts"
import { identityV3 } from "./identity/v3.ts"
import { versionRoutes } from "./identity/versions.ts"
import { stubRoutes } from "./stubs.ts"
import { v1Routes } from "./v1/v1.ts"

export function openstackFace(settings: FaceSettings["openstack"]): Face {
  const { keystone } = settings
  const ours = identifyBy(ourOwn)
  const theirs = keystone === null ? ours : identifyBy(byKeystone(keystone))
  const isVolume = ({ path }: Request) => whoseWords(path) === "volume"
  return {
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
    // Our own Identity stays what it is; volumes are for whom the cloud's Keystone knows.
    identify: (core, request) => (isVolume(request) ? theirs : ours)(core, request),
    renderFault(fault, request) {
      const answer = renderFault(fault, request)
      if (answer.status !== 401) return answer
      const elsewhere = isVolume(request) ? keystone?.url : undefined
      return whereToLogIn(answer, elsewhere ?? identityOf(request))
    },
    renderMishap,
    headers: (request) => ({ "X-Compute-Request-Id": requestIdOf(request) }),
  }
}

const whereToLogIn = (answer: Answer, uri: string): Answer => ({
  ...answer,
  headers: { ...answer.headers, "WWW-Authenticate": `Keystone uri='${uri}'` },
})

/** Their ids begin so; one that a client brought may do so already. */
const requestIdOf = ({ requestId }: Request) =>
  requestId.startsWith("req-") ? requestId : `req-${requestId}`
