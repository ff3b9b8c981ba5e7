/** Images: build the demo, import, find, remove. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { type ImageId, newId, type OperationId } from "../domain/ids.ts"
import { demoImageId, type Image } from "../domain/image.ts"
import { sectorBytes } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { imageDelete } from "../operations/image/delete.ts"
import { imageBuildDemo, imageImport } from "../operations/image/import.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Images, Listing, Started, Upload } from "./core.ts"
import { mustBeFree, mustBeName } from "./names.ts"
import { mustFit } from "./quota.ts"
import { shownImage } from "./shown.ts"
import { streamed } from "./streamed.ts"
import { mayRun, must, scopeOf } from "./visible.ts"
import { mustBeSize } from "./volume-rules.ts"

export const openImages = (context: Context): Images => ({
  buildDemo: (asking) => buildDemo(context, asking),
  importFrom: (asking, wish) => importImage(context, asking, wish),
  get: (who, id) => attempt(async () => await shownImage(context.ledger.read, who, id)),
  list: (who, listing) => listImages(context, who, listing),
  remove: (asking, id) => removeImage(context, asking, id),
})

type ImageWish = Parameters<Images["importFrom"]>[1]

function buildDemo(context: Context, asking: Asking): Promise<Result<Started<Image>>> {
  return accept(context, asking, {
    saga: imageBuildDemo,
    plan: async (rooms) => {
      const image = await demoRow(rooms, context)
      const bytes = image.state === "ready" ? 0 : demoBytes
      const reserves = await mustFit(rooms, context, { accountId: null, takes: {}, bytes })
      return {
        resource: image,
        accountId: asking.who.accountId,
        target: { kind: "image", id: image.id },
        holds: [image.id],
        params: {
          imageId: image.id,
          kind: image.kind,
          engine: image.engine,
          pointId: image.pointId,
          stagingId: newId<"volume">(context.clock()),
        },
        reserves,
      }
    },
  })
}

/** The disk, its boot files, and the packages that both are made of, while they are unpacked. */
const demoBytes = 512 * 2 ** 20

async function importImage(
  context: Context,
  asking: Asking,
  { name, format, source }: ImageWish,
): Promise<Result<Started<Image>>> {
  const size = await attempt(() => diskSize(context, source))
  if (!size.ok) return size
  const request = (operationId: OperationId) =>
    accept(context, asking, {
      saga: imageImport,
      operationId,
      plan: async (rooms) => {
        const { accountId } = asking.who
        mustBeName(name)
        const alike = () => rooms.images.find({ accountId, name })
        await mustBeFree({ unique: true }, "image", name, alike)
        mustBeDisk(format)
        const reserves = await mustFit(rooms, context, {
          accountId,
          takes: {},
          bytes: source.lengthBytes ?? source.mostBytes ?? size.value,
        })
        const fresh = blank(context, { id: newId<"image">(context.clock()), name })
        const image: Image = { ...fresh, accountId, sizeBytes: size.value }
        await rooms.images.add(image)
        const { id, engine, pointId, sizeBytes } = image
        const stagingId = newId<"volume">(context.clock())
        return {
          resource: image,
          accountId,
          target: { kind: "image", id },
          holds: [id],
          params: { imageId: id, engine, pointId, stagingId, sizeBytes },
          reserves,
        }
      },
    })
  return await streamed(context, { source }, request, async ({ id }) => {
    return (await context.ledger.read.images.get(id)) ?? null
  })
}

function mustBeDisk(format: ImageWish["format"]): void {
  if (format !== "rootfs") return
  const why = "this version runs no containers"
  throw new Refusal({ kind: "unsupported", what: "a root file system image", why })
}

function listImages(context: Context, who: Principal, listing: Listing): Promise<Result<Image[]>> {
  return attempt(async () => {
    const { name } = listing
    const owned = name === undefined ? {} : { name }
    const { accountId } = must(scopeOf(who, listing))
    const where = accountId === undefined ? owned : { ...owned, accountId: [accountId, null] }
    return await context.ledger.read.images.find(where, listing)
  })
}

function removeImage(
  context: Context,
  asking: Asking,
  id: ImageId,
): Promise<Result<Started<Image>>> {
  return accept(context, asking, {
    saga: imageDelete,
    plan: async (rooms) => {
      const image = await shownImage(rooms, asking.who, id)
      if (image.accountId === null) must(mayRun(asking.who))
      await rooms.images.change(id, { state: "deleting" })
      const { pointId, engine, kind } = image
      return {
        resource: { ...image, state: "deleting" },
        accountId: asking.who.accountId,
        target: { kind: "image", id },
        holds: [id],
        params: { imageId: id, pointId, engine, kind },
      }
    },
  })
}

/** The demo image's row, made where there is none, made anew where the last try failed. */
async function demoRow(rooms: Rooms, context: Context): Promise<Image> {
  const there = await rooms.images.get(demoImageId)
  if (there?.state === "creating" || there?.state === "ready") return there
  if (there?.state === "deleting") {
    const needs = ["gone"]
    throw new Refusal({ kind: "wrong-state", what: "image", id: there.id, is: there.state, needs })
  }
  const image = { ...blank(context, { id: demoImageId, name: "demo" }), accountId: null }
  await rooms.images.remove(demoImageId)
  await rooms.images.add(image)
  return image
}

const blank = (
  { clock, engineName }: Context,
  { id, name }: Pick<Image, "id" | "name">,
): Omit<Image, "accountId"> & { accountId: null } => ({
  id,
  accountId: null,
  name,
  state: "creating",
  kind: "vm",
  sizeBytes: 0,
  engine: engineName,
  pointId: newId<"point">(clock()),
  boot: null,
  reason: null,
  createdAt: clock(),
})

/** Rounded up to whole sectors; it must be known before the bytes come. */
async function diskSize(context: Context, source: Upload): Promise<number> {
  const bytes = source.diskBytes ?? (await context.engine(context.engineName).diskBytes(source))
  if (bytes === null) {
    const why = "say the disk's size in bytes (the stream does not tell)"
    throw new Refusal({ kind: "invalid", why, field: "sizeBytes" })
  }
  const whole = Math.ceil(bytes / sectorBytes) * sectorBytes
  mustBeSize(whole)
  return whole
}
