/** Image and compute, as far as clients of block storage insist on them: there is nothing there. */
import { ok } from "../../domain/fault.ts"
import type { Request, Route } from "../face.ts"
import { baseOf } from "./addresses.ts"

type Stub = { path: string; status: number; body(base: string): object; open?: true }

const version = (id: string, href: string) => ({
  id,
  status: "CURRENT",
  links: [{ rel: "self", href }],
})
const imageVersions = (base: string) => ({ versions: [version("v2.9", `${base}/image/v2/`)] })
const computeVersion = (base: string) => ({
  ...version("v2.1", `${base}/compute/v2.1/`),
  version: "2.1",
  min_version: "2.1",
})

const stubs: readonly Stub[] = [
  { path: "/image", status: 300, body: imageVersions, open: true },
  { path: "/image/v2", status: 200, body: imageVersions, open: true },
  { path: "/image/v2/images", status: 200, body: () => ({ images: [] }) },
  {
    path: "/compute",
    status: 300,
    body: (base) => ({ versions: [computeVersion(base)] }),
    open: true,
  },
  {
    path: "/compute/v2.1",
    status: 200,
    body: (base) => ({ version: computeVersion(base) }),
    open: true,
  },
  { path: "/compute/v2.1/:account/servers", status: 200, body: () => ({ servers: [] }) },
  { path: "/compute/v2.1/:account/servers/detail", status: 200, body: () => ({ servers: [] }) },
]

export const stubRoutes: readonly Route[] = stubs.map(({ path, status, body, open }) => ({
  method: "GET",
  path,
  ...(open === undefined ? {} : { open }),
  answer: async (_core, _who, request: Request) =>
    ok({
      status,
      headers: { "Content-Type": "application/json" },
      body: body(baseOf(request)),
    }),
}))
