import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { document } from "../document.ts"
import { route } from "../route.ts"
import { apiVersions, latestVersion } from "../versions.ts"
import { base } from "../wire/words.ts"

export const aboutRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: `${base}/about`,
    open: true,
    async answer() {
      const supportedApis = apiVersions.map((apiVersion) => ({
        apiVersion,
        documentationLink: `${base}/swagger?apiVersion=${apiVersion}`,
      }))
      return ok({ status: 200, body: { latestApiVersion: latestVersion, supportedApis } })
    },
  }),
  route({
    method: "GET",
    path: `${base}/swagger`,
    open: true,
    async answer() {
      const headers = { "Content-Type": "application/json" }
      return ok({ status: 200, headers, body: document() })
    },
  }),
]
