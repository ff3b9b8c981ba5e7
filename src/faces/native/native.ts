/**
 * The native face: our own words for everything there is, for the CLI, the console and whoever
 * writes a new client. Errors are RFC 9457 problems, work that takes time is answered by 202.
 */
import packageFile from "../../../package.json" with { type: "json" }
import { ok } from "../../domain/fault.ts"
import type { Face, Route } from "../face.ts"
import { identify } from "./identify.ts"
import { openApi } from "./openapi.ts"
import { renderFault, renderMishap } from "./problem.ts"
import { route } from "./route.ts"
import { accountRoutes } from "./routes/accounts.ts"
import { houseRoutes } from "./routes/house.ts"
import { imageRoutes } from "./routes/images.ts"
import { machineRoutes } from "./routes/machines.ts"
import { operationRoutes } from "./routes/operations.ts"
import { snapshotRoutes } from "./routes/snapshots.ts"
import { volumeRoutes } from "./routes/volumes.ts"

let document: string | undefined

const openApiRoute = route({
  method: "GET",
  path: "/api/openapi.json",
  open: true,
  tag: "house",
  summary: "This document",
  answers: { 200: "application/json" },
  async answer() {
    document ??= JSON.stringify(openApi(routes, packageFile.version))
    return ok({ status: 200, headers: { "Content-Type": "application/json" }, body: document })
  },
})

const routes: readonly Route[] = [
  ...houseRoutes,
  openApiRoute,
  ...accountRoutes,
  ...imageRoutes,
  ...machineRoutes,
  ...volumeRoutes,
  ...snapshotRoutes,
  ...operationRoutes,
]

export const nativeFace: Face = {
  name: "native",
  routes,
  bodyLimitBytes: 2 ** 20,
  identify,
  renderFault,
  renderMishap,
}
