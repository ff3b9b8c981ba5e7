/** What making a machine takes: an image, a root volume grown from it, and slots for the extras. */
import { Refusal, type Result } from "../domain/fault.ts"
import { type MachineId, newId } from "../domain/ids.ts"
import type { Image } from "../domain/image.ts"
import { labelsOf, noLabels } from "../domain/labels.ts"
import type { Machine } from "../domain/machine.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { machineCreate } from "../operations/machine/create.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, MachineView, MachineWish, Started } from "./core.ts"
import { mustBeLabels } from "./labels.ts"
import { mostDisks, mustBeHardware } from "./machine-rules.ts"
import { mustBeFree, mustBeName, nameOf } from "./names.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { shownImage, shownVolume } from "./shown.ts"
import { mustBeFreeOfMachines, mustBeIn, mustBelongTo, mustBeSize } from "./volume-rules.ts"

const smallest = { memoryMiB: 256, cpus: 1 }

export function createMachine(
  context: Context,
  asking: Asking,
  wish: MachineWish,
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineCreate,
    plan: async (rooms, operationId) => {
      const { accountId } = asking.who
      const id = newId<"machine">(context.clock())
      const alike = (name: string) => rooms.machines.find({ accountId, name })
      const name = await nameOf(wish.name, id, alike)
      mustBeName(name, wish.nameRule)
      mustBeLabels(wish)
      mustBeHardware(wish)
      await mustBeFree(wish.nameRule, "machine", name, () => alike(name))
      mustNotRepeat(wish.volumeIds ?? [])
      const image = await usableImage(rooms, asking, wish)
      const kind = wish.kind ?? image.kind
      await mustBeStartable(context, kind, image)
      const sizeBytes = diskSize(image, wish.diskSizeBytes)
      const { machine, root } = rowsOf(context, asking, wish, { id, name, image, kind, sizeBytes })
      const extras = await giveExtras(rooms, asking, machine.id, wish.volumeIds ?? [])
      const reserves = await mustFit(rooms, context, {
        accountId,
        source: { kind: "machine", id: machine.id },
        takes: { machines: 1, volumes: 1, logicalBytes: sizeBytes },
        bytes: smallBytes,
      })
      await rooms.machines.add(machine)
      await rooms.volumes.add(root)
      const { id: machineId } = machine
      return {
        resource: { ...machine, disks: [root, ...extras], work: null },
        accountId,
        target: { kind: "machine", id: machineId },
        holds: [machineId, root.id, image.id, ...extras.map((volume) => volume.id)],
        params: {
          operationId,
          machineId,
          rootVolumeId: root.id,
          imageId: image.id,
          imagePointId: image.pointId,
          engine: image.engine,
          sizeBytes,
        },
        reserves,
      }
    },
  })
}

/** One that is still being made is fine: the machine waits behind it in its queue. */
async function usableImage(rooms: Rooms, { who }: Asking, wish: MachineWish): Promise<Image> {
  const image = await shownImage(rooms, who, wish.imageId)
  if (image.state === "ready" || (image.state === "creating" && image.sizeBytes > 0)) return image
  const is = image.state
  throw new Refusal({ kind: "wrong-state", what: "image", id: image.id, is, needs: ["ready"] })
}

async function mustBeStartable(context: Context, kind: Machine["kind"], image: Image) {
  if (kind !== image.kind) {
    const why = `the image ${image.name} is for a ${image.kind}`
    throw new Refusal({ kind: "unsupported", what: `a ${kind} from this image`, why })
  }
  const missing = await context.host(kind).unavailable()
  if (missing !== null) throw new Refusal({ kind: "unavailable", ...missing })
}

function diskSize(image: Image, wished = image.sizeBytes): number {
  mustBeSize(wished)
  if (wished >= image.sizeBytes) return wished
  const bounds = { bytes: wished, atLeast: image.sizeBytes }
  throw new Refusal({ kind: "size", what: "the disk", ...bounds })
}

function rowsOf(
  context: Context,
  { who }: Asking,
  wish: MachineWish,
  made: { id: MachineId; name: string; image: Image; kind: Machine["kind"]; sizeBytes: number },
): { machine: Machine; root: Volume } {
  const { id: machineId, name, image, kind, sizeBytes } = made
  const createdAt = context.clock()
  const rootVolumeId = newId<"volume">(createdAt)
  const { accountId } = who
  const { node } = context
  const machine: Machine = {
    id: machineId,
    accountId,
    node,
    kind,
    name,
    state: "creating",
    hardware: {
      memoryMiB: wish.memoryMiB ?? smallest.memoryMiB,
      cpus: wish.cpus ?? smallest.cpus,
      machineType: null,
      cpuModel: null,
    },
    imageId: image.id,
    boot: image.boot,
    rootVolumeId,
    process: null,
    held: null,
    deletionProtected: wish.deletionProtected ?? false,
    ...labelsOf(wish),
    reason: null,
    createdAt,
  }
  const root: Volume = {
    id: rootVolumeId,
    accountId,
    node,
    engine: image.engine,
    name: `${name}-root`.slice(0, 255),
    sizeBytes,
    state: "in-use",
    machineId,
    role: "root",
    slot: 0,
    fromImageId: image.id,
    fromSnapshotId: null,
    fromPointId: null,
    fromVolumeId: null,
    claim: null,
    type: null,
    ...noLabels,
    reason: null,
    createdAt,
  }
  return { machine, root }
}

function mustNotRepeat(ids: readonly string[]): void {
  if (new Set(ids).size === ids.length) return
  throw new Refusal({ kind: "invalid", why: "a volume is named twice", field: "volumeIds" })
}

async function giveExtras(
  rooms: Rooms,
  { who }: Asking,
  machineId: MachineId,
  ids: NonNullable<MachineWish["volumeIds"]>,
): Promise<Volume[]> {
  const given: Volume[] = []
  for (const [index, id] of ids.entries()) {
    const volume = await shownVolume(rooms, who, id)
    mustBelongTo(who.accountId, volume)
    mustBeFreeOfMachines(volume)
    mustBeIn(volume, ["creating", "available"])
    const slot = index + 1
    if (slot >= mostDisks) throw tooMany()
    await rooms.volumes.change(id, { machineId, slot, state: "in-use" })
    given.push({ ...volume, machineId, slot, state: "in-use" })
  }
  return given
}

export function freeSlot(disks: readonly Volume[]): number {
  const taken = new Set(disks.map((disk) => disk.slot))
  for (let slot = 1; slot < mostDisks; slot++) if (!taken.has(slot)) return slot
  throw tooMany()
}

const tooMany = () =>
  new Refusal({ kind: "quota", what: "disks of one machine", limit: mostDisks, used: mostDisks })
