/** What there is and where, under the names and types by which the clients look for it. */
import { createHash } from "node:crypto"
import type { Account } from "../../../domain/account.ts"

/** `base` is the listener as the client knows it. */
export type Whereabouts = { base: string; region: string; account: Account }

type Service = { type: string; name: string; url(where: Whereabouts): string }

/** One client keeps services by their names, so these are unique. */
const services: readonly Service[] = [
  {
    type: "volume",
    name: "cloudBlockStorage",
    url: ({ base, account }) => `${base}/v1/${account.accountNumber}`,
  },
  {
    type: "volumev3",
    name: "cinderv3",
    url: ({ base, account }) => `${base}/v3/${account.tenantId}`,
  },
  {
    type: "block-storage",
    name: "cinder",
    url: ({ base, account }) => `${base}/v3/${account.tenantId}`,
  },
  { type: "identity", name: "keystone", url: ({ base }) => `${base}/identity` },
  // Stubs: some clients look these up before they ask for any volume.
  { type: "image", name: "glance", url: ({ base }) => `${base}/image` },
  {
    type: "compute",
    name: "nova",
    url: ({ base, account }) => `${base}/compute/v2.1/${account.tenantId}`,
  },
]

export const catalogV2 = (where: Whereabouts): object[] =>
  services.map(({ type, name, url }) => ({
    name,
    type,
    endpoints: [
      {
        region: where.region,
        tenantId: `${where.account.accountNumber}`,
        publicURL: url(where),
        internalURL: url(where),
      },
    ],
  }))

export const catalogV3 = (where: Whereabouts): object[] =>
  services.map(({ type, name, url }) => ({
    id: idOf(type),
    type,
    name,
    endpoints: ["public", "internal", "admin"].map((face) => ({
      id: idOf(`${type} ${face}`),
      interface: face,
      region: where.region,
      region_id: where.region,
      url: url(where),
    })),
  }))

/** The same after every restart, in the form that ids have there. */
const idOf = (of: string) => createHash("sha256").update(of).digest("hex").slice(0, 32)
