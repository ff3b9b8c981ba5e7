/** Which versions there are and where: what clients ask first, without saying who they are. */
import { ok } from "../../../domain/fault.ts"
import type { Request, Route } from "../../face.ts"
import { baseOf } from "../addresses.ts"

type Version = { id: string; status: string; updated: string; path: string; mediaType: string }

const identity: readonly Version[] = [
  {
    id: "v3.14",
    status: "stable",
    updated: "2020-04-07T00:00:00Z",
    path: "/v3/",
    mediaType: "application/vnd.openstack.identity-v3+json",
  },
  {
    id: "v2.0",
    status: "deprecated",
    updated: "2016-08-04T00:00:00Z",
    path: "/v2.0/",
    mediaType: "application/vnd.openstack.identity-v2.0+json",
  },
]
const volume: Version = {
  id: "v1.0",
  status: "CURRENT",
  updated: "2014-06-28T12:20:21Z",
  path: "/v1/",
  mediaType: "application/vnd.openstack.volume+json;version=1",
}

const shown = (base: string, { id, status, updated, path, mediaType }: Version) => ({
  id,
  status,
  updated,
  links: [{ rel: "self", href: `${base}${path}` }],
  "media-types": [{ base: "application/json", type: mediaType }],
})

const told = (
  path: string,
  status: number,
  body: (base: string, request: Request) => object,
): Route => ({
  method: "GET",
  path,
  open: true,
  answer: async (_core, _who, request) =>
    ok({
      status,
      headers: { "Content-Type": "application/json" },
      body: body(baseOf(request), request),
    }),
})

const one = (path: string, prefix: string, version: Version) =>
  told(path, 200, (base) => ({ version: shown(base + prefix, version) }))

/**
 * The root belongs to block storage, whose clients ask nowhere else; whoever looks for Identity
 * there finds its versions in the same list.
 */
export const versionRoutes: readonly Route[] = [
  told("/", 300, (base) => ({
    versions: [volume, ...identity].map((version) => shown(base, version)),
  })),
  told("/v1", 200, (base) => ({ versions: [shown(base, volume)] })),
  told("/identity", 300, (base) => ({
    versions: { values: identity.map((version) => shown(`${base}/identity`, version)) },
  })),
  ...identity.flatMap((version) => {
    const path = version.path.slice(0, -1)
    return [one(path, "", version), one(`/identity${path}`, "/identity", version)]
  }),
]
