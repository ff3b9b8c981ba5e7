import { no, ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { hrefOf } from "../links.ts"
import { wholeList } from "../pages.ts"
import { type Asked, idIn, route } from "../route.ts"
import { renderNewVolume, renderVolume, VolumeWish } from "../wire/volume.ts"

const bytesPerGiB = 2 ** 30
/** Those that could not be made are on no list; nor are the disks that servers are made with. */
const listed = { role: "extra", state: ["creating", "available", "in-use", "deleting"] } as const

export const volumeRoutes: readonly Route[] = [
  ...route({
    method: "POST",
    paths: ["/volumes"],
    body: VolumeWish,
    async answer({ core, asking, body, place }) {
      const { size, volume_type, ...labels } = body.volume
      const made = await core.volumes.create(asking, {
        name: labels.display_name,
        description: labels.display_description,
        metadata: labels.metadata,
        type: volume_type === "" ? null : volume_type,
        sizeBytes: size * bytesPerGiB,
      })
      if (!made.ok) return made
      const Location = hrefOf(place, "volumes", made.value.resource.id)
      const volume = renderNewVolume(made.value.resource, place)
      return ok({ status: 202, headers: { Location }, body: { volume } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/volumes", "/volumes/detail"],
    async answer({ core, who, place }) {
      const found = await wholeList(
        (page) => core.volumes.list(who, { ...listed, ...page }),
        ({ id }) => id,
      )
      if (!found.ok) return found
      const volumes = found.value.map((volume) => renderVolume(volume, place))
      return ok({ status: 200, body: { volumes } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/volumes/:volume"],
    async answer(asked) {
      const found = await extra(asked)
      if (!found.ok) return found
      return ok({ status: 200, body: { volume: renderVolume(found.value, asked.place) } })
    },
  }),
  ...route({
    method: "DELETE",
    paths: ["/volumes/:volume"],
    async answer(asked) {
      const found = await extra(asked)
      if (!found.ok) return found
      // What a restore keeps by itself is not shown here, so nobody could take it out of the way.
      const how = { cascade: false, recovery: "goes-along" } as const
      const gone = await asked.core.volumes.remove(asked.asking, found.value.id, how)
      return gone.ok ? ok({ status: 204 }) : gone
    },
  }),
]

/** A server's own disk is part of it, and no volume in the sense of this API. */
async function extra({ core, who, request }: Asked) {
  const id = idIn("volume", request.params["volume"])
  if (!id.ok) return id
  const found = await core.volumes.get(who, id.value)
  if (!found.ok || found.value.role === "extra") return found
  return no({ kind: "not-found", what: "volume", id: id.value })
}
