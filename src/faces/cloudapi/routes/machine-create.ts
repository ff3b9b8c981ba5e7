import { randomBytes } from "node:crypto"
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
const beyond: Record<string, string> = {
  networks: "machines have no networks here",
  affinity: "there is nothing to choose from: machines run where this service runs",
  locality: "there is nothing to choose from: machines run where this service runs",
  disks: "a machine's disk is that of its package",
  volumes: "NFS volumes are not to be had here",
  delegate_dataset: "delegated datasets are not to be had here",
  encrypted: "encrypted machines are not to be had here",
  firewall_enabled: "machines have no networks here, and no firewall",
}

function refusedWishes(params: Asked["params"]): Answer | undefined {
  const field = Object.keys(beyond).find((name) => isWish(params[name]))
  return field === undefined
    ? undefined
    : refusal("InvalidArgument", `${field}: ${beyond[field]}`, { field })
}

const isWish = (value: unknown) =>
  !(
    value === undefined ||
    value === null ||
    value === "" ||
    value === false ||
    value === "false" ||
    (Array.isArray(value) && value.length === 0)
  )

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

/** Its id is not known before it is made: eight other digits of chance stand for its beginning. */
function nameFor(asked: unknown): string {
  const short = randomBytes(4).toString("hex")
  const wanted = typeof asked === "string" || typeof asked === "number" ? `${asked}` : ""
  return wanted === "" ? short : wanted.replaceAll("{{shortId}}", short)
}

const isTrue = (value: unknown) => value === true || value === "true"
