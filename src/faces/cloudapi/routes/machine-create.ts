import type { Core, MachineWish } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Image } from "../../../domain/image.ts"
import type { Answer } from "../../face.ts"
import { json, refusal, refused } from "../answers.ts"
import { labelsIn } from "../labels.ts"
import type { Asked } from "../route.ts"
import { renderMachine } from "../wire/machine.ts"
import { packageNamed } from "../wire/package.ts"
import { brandWords, MiB } from "../wire/words.ts"

export async function createMachine(asked: Asked): Promise<Result<Answer>> {
  const { core, who, asking, params, dialect } = asked
  const unknown = refusedWishes(params)
  if (unknown !== undefined) return ok(unknown)
  const size = wordIn(params, "package")
  const imageRef = wordIn(params, "image") ?? wordIn(params, "dataset")
  if (size === undefined) return missing("package")
  if (imageRef === undefined) return missing("image")
  const sized = packageNamed(size)
  if (sized === undefined) return invalid("package", `${size} is not a valid package`)
  const image = await imageOf(core, who, imageRef)
  if (image === undefined) return invalid("image", `${imageRef} is not a valid image`)
  const { brand } = params
  if (brand !== undefined && brand !== brandWords[image.kind]) {
    return invalid("brand", `this image is for machines of brand ${brandWords[image.kind]}`)
  }
  const labels = labelsIn(params)
  if (!labels.ok) return labels
  const wish: MachineWish = {
    name: nameFor(params["name"]),
    imageId: image.id,
    memoryMiB: sized.memory,
    cpus: sized.vcpus,
    diskSizeBytes: Math.max(sized.disk * MiB, image.sizeBytes),
    deletionProtected: isTrue(params["deletion_protection"]),
    ...labels.value,
  }
  const started = await core.machines.create(asking, wish)
  if (!started.ok) return started
  const account = await core.identity.account(who.accountId)
  const { resource } = started.value
  const Location = `/${encodeURIComponent(account?.login ?? "my")}/machines/${resource.id}`
  return ok(json(renderMachine(resource, "provisioning", dialect), 201, { Location }))
}

/** What machines here cannot have; silence would promise it. */
const beyond: Record<string, { why: string; isWish?(value: unknown): boolean }> = {
  networks: { why: "machines have no networks here" },
  nics: { why: "machines have no networks here" },
  affinity: { why: onePlace(), isWish: isStrictRule },
  locality: { why: onePlace(), isWish: isStrictPlace },
  disks: { why: "a machine's disk is that of its package" },
  volumes: { why: "NFS volumes are not to be had here" },
  delegate_dataset: { why: "delegated datasets are not to be had here" },
  encrypted: { why: "encrypted machines are not to be had here" },
  firewall_enabled: { why: "machines have no networks here, and no firewall" },
}

function refusedWishes(params: Asked["params"]): Answer | undefined {
  const field = Object.keys(beyond).find((name) => {
    const value = params[name]
    return isWish(value) && beyond[name]?.isWish?.(value) !== false
  })
  return field === undefined
    ? undefined
    : refusal("InvalidArgument", `${field}: ${beyond[field]?.why}`, { field })
}

function onePlace() {
  return "there is nothing to choose from: machines run where this service runs"
}

/** `role!=db` must be met; `role!=~db` is what one would rather have, if there is a choice. */
function isStrictRule(value: unknown): boolean {
  return [value].flat().some((rule) => typeof rule !== "string" || !/[=!]=~/.test(rule))
}

/** The same in older words. triton-go sends it with every machine, and mostly says nothing by it. */
function isStrictPlace(value: unknown): boolean {
  const { strict, near, far } = value as { strict?: unknown; near?: unknown; far?: unknown }
  return isWish(strict) && (isWish(near) || isWish(far))
}

function isWish(value: unknown): boolean {
  const nothing = value === undefined || value === null || value === ""
  const no = value === false || value === "false"
  return !(nothing || no || (Array.isArray(value) && value.length === 0))
}

const missing = (field: string) =>
  refused("MissingParameter", `${field} must be specified`, { field })
const invalid = (field: string, why: string) =>
  refused("InvalidArgument", why.slice(0, 200), { field })

function wordIn(params: Asked["params"], name: string): string | undefined {
  const value = params[name]
  return typeof value === "string" && value !== "" ? value : undefined
}

async function imageOf(core: Core, who: Principal, ref: string): Promise<Image | undefined> {
  const id = parseId<"image">(ref)
  if (id === undefined) return undefined
  const image = await core.images.get(who, id)
  return image.ok ? image.value : undefined
}

/** Without one, and where it asks for it in words, the beginning of the machine's id. */
function nameFor(asked: unknown): MachineWish["name"] {
  const wanted = typeof asked === "string" || typeof asked === "number" ? `${asked}` : ""
  if (wanted === "") return (shortId) => shortId
  return wanted.includes("{{shortId}}")
    ? (shortId) => wanted.replaceAll("{{shortId}}", shortId)
    : wanted
}

const isTrue = (value: unknown) => value === true || value === "true"
