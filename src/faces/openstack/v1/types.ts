/** Types of volumes: names that people choose by, and bounds; the bytes are kept alike. */
import type { OpenstackSettings, VolumeType } from "../../settings.ts"
import type { V1Route } from "./route.ts"

/** Ids are text: one client cannot read numbers here. */
const render = ({ name }: VolumeType, nth: number) => ({ id: `${nth + 1}`, name, extra_specs: {} })

export const findType = (
  { volumeTypes }: OpenstackSettings,
  nameOrId: string,
): VolumeType | undefined =>
  volumeTypes.find(({ name }) => name === nameOrId) ??
  volumeTypes.find((_type, nth) => `${nth + 1}` === nameOrId)

export const typeRoutes: readonly V1Route[] = [
  {
    method: "GET",
    path: "/types",
    async answer({ settings, show }) {
      return show(200, { volume_types: settings.volumeTypes.map(render) })
    },
  },
  {
    method: "GET",
    path: "/types/:id",
    async answer({ settings, params, show, refuse }) {
      const id = params["id"] ?? ""
      const type = findType(settings, id)
      if (type === undefined) return refuse(404, `Volume type ${id} could not be found.`)
      return show(200, { volume_type: render(type, settings.volumeTypes.indexOf(type)) })
    },
  },
  {
    method: "GET",
    path: "/types/:id/extra_specs",
    async answer({ settings, params, show, refuse }) {
      const id = params["id"] ?? ""
      if (findType(settings, id) === undefined) {
        return refuse(404, `Volume type ${id} could not be found.`)
      }
      return show(200, { extra_specs: {} })
    },
  },
]
