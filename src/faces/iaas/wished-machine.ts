/** From names and references to what the core makes a machine of. */
import type { z } from "zod"
import type { Core, MachineWish } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import { type ImageId, parseId, type VolumeId } from "../../domain/ids.ts"
import { flavorOf, notAFlavor } from "./flavors.ts"
import { type MachineSpecification, writable } from "./wire/machine.ts"

type Specification = z.output<typeof MachineSpecification>

export async function wishedMachine(
  core: Core,
  who: Principal,
  specification: Specification,
): Promise<Result<MachineWish>> {
  const { name, description = "", tags = {}, customProperties = {}, disks } = specification
  const image = await imageOf(core, who, specification.imageRef || specification.image)
  if (!image.ok) return image
  const flavor = flavorOf(specification.flavorRef || specification.flavor)
  if (flavor === undefined) return refused("flavor", notAFlavor)
  const volumeIds: VolumeId[] = []
  for (const { blockDeviceId } of disks) {
    const id = parseId<"volume">(blockDeviceId)
    if (id === undefined || !(await core.volumes.get(who, id)).ok) {
      return refused("disks", "names a block device that is not there")
    }
    volumeIds.push(id)
  }
  const { memoryMiB, cpus } = flavor
  const labels = { description, tags, metadata: writable(customProperties) }
  return ok({ name, imageId: image.value, memoryMiB, cpus, volumeIds, ...labels })
}

/** By its name, or by its id. Of several of one name the newest is meant. */
async function imageOf(
  core: Core,
  who: Principal,
  wanted: string | undefined,
): Promise<Result<ImageId>> {
  if (wanted === undefined || wanted === "") return refused("image", "is required")
  const id = parseId<"image">(wanted)
  if (id !== undefined && (await core.images.get(who, id)).ok) return ok(id)
  const page = { name: wanted, limit: 100, order: "newest-first" } as const
  const found = await core.images.list(who, page)
  if (!found.ok) return found
  const image = found.value.find(({ state }) => state === "ready" || state === "creating")
  return image === undefined ? refused("image", "is not there") : ok(image.id)
}

const refused = (field: string, why: string) => no({ kind: "invalid", field, why })
