/** Finding one thing for somebody: it is theirs, or it is not there. */
import type { Principal } from "../domain/account.ts"
import { Refusal } from "../domain/fault.ts"
import type { ImageId, MachineId, VolumeId } from "../domain/ids.ts"
import type { Image } from "../domain/image.ts"
import type { Machine } from "../domain/machine.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { must, seen } from "./visible.ts"

export async function shownVolume(
  rooms: { volumes: Pick<Rooms["volumes"], "get"> },
  who: Principal,
  id: VolumeId,
): Promise<Volume> {
  return must(seen(who, "volume", id, await rooms.volumes.get(id)))
}

export async function shownMachine(
  rooms: { machines: Pick<Rooms["machines"], "get"> },
  who: Principal,
  id: MachineId,
): Promise<Machine> {
  return must(seen(who, "machine", id, await rooms.machines.get(id)))
}

/** The account's own, and the public ones. */
export async function shownImage(
  rooms: { images: Pick<Rooms["images"], "get"> },
  who: Principal,
  id: ImageId,
): Promise<Image> {
  const image = await rooms.images.get(id)
  const shown =
    image !== undefined &&
    image.state !== "deleting" &&
    (image.accountId === null || image.accountId === who.accountId || who.everywhere)
  if (!shown) throw new Refusal({ kind: "not-found", what: "image", id })
  return image
}
