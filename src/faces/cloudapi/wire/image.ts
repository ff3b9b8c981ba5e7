import type { Image } from "../../../domain/image.ts"
import { type Params, wordOf } from "../body.ts"
import type { Dialect } from "../versions.ts"
import { brandWords, MiB, timeText, typeWords } from "./words.ts"

const states: Record<Image["state"], string> = {
  creating: "creating",
  ready: "active",
  deleting: "disabled",
  failed: "failed",
}

/** What the images of version 8 on are called by; the ones before know the machines' types. */
const rawTypes = { vm: "zvol", container: "lx-dataset" } as const

/** Owns the images that everybody may use. */
const nobody = "00000000-0000-0000-0000-000000000000"

export function renderImage(image: Image, dialect: Dialect) {
  const { id, name, kind, state, reason, accountId, createdAt, sizeBytes } = image
  return {
    id,
    name,
    version: "1.0.0",
    os: "linux",
    type: dialect.brands ? rawTypes[kind] : typeWords[kind],
    requirements: dialect.brands ? { brand: brandWords[kind] } : {},
    description: "",
    homepage: "",
    published_at: timeText(createdAt, dialect),
    owner: accountId ?? nobody,
    public: accountId === null,
    state: states[state],
    image_size: Math.ceil(sizeBytes / MiB),
    files: [],
    tags: {},
    ...(reason === null ? {} : { error: { code: "ImageFailed", message: reason } }),
  }
}

/** What images were called before version 8. */
export function renderDataset(image: Image, dialect: Dialect) {
  const { owner, published_at: created, ...shown } = renderImage(image, dialect)
  return { ...shown, urn: `${owner}:${shown.name}:${shown.version}`, default: false, created }
}

const filters = ["name", "version", "os", "type", "owner", "public"] as const

/** `state` is that of images ready to use, unless told; `all` is any. */
export function isWanted(shown: ReturnType<typeof renderImage>, asked: Params): boolean {
  const { state = "active" } = asked
  const fits = filters.every((field) => {
    return asked[field] === undefined || wordOf(asked[field]) === `${shown[field]}`
  })
  return fits && (state === "all" || state === shown.state)
}
