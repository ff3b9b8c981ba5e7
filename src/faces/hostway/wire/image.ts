import type { Image, ImageState } from "../../../domain/image.ts"
import { linksTo, type Place } from "../links.ts"
import { toIso } from "./words.ts"

const statuses = {
  creating: "BUILD",
  ready: "ACTIVE",
  deleting: "DELETED",
  failed: "DELETED",
} as const satisfies Record<ImageState, string>

export const renderImage = ({ id, name, state, createdAt }: Image, place: Place) => ({
  id,
  name,
  status: statuses[state],
  created: toIso(createdAt),
  updated: null,
  links: linksTo(place, "images", id),
})
