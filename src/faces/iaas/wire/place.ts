/** The one zone there is, and the projects, which are accounts. */
import { type Owner, owned, paths, place, toDate } from "./words.ts"

export const renderZone = (owner: Owner) => ({
  id: place,
  name: place,
  externalRegionId: place,
  placementPolicy: "DEFAULT",
  orgId: owner.tenantId,
  tags: [],
  tagsToMatch: [],
  customProperties: {},
  _links: { self: { href: paths.zone } },
})

export const renderProject = (owner: Owner) => ({
  id: owner.tenantId,
  name: owner.login,
  ...owned(owner),
  createdAt: toDate(owner.createdAt),
  sharedResources: true,
  administrators: [{ email: owner.login, type: "user" }],
  members: [],
  viewers: [],
  zones: [{ zoneId: place, priority: 0, maxNumberInstances: 0 }],
  constraints: {},
  customProperties: {},
  _links: { self: { href: paths.project(owner.tenantId) } },
})
