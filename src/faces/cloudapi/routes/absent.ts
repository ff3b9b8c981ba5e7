/**
 * What other installations of this API have, and this one does not. It can be asked for and is
 * not there: clients list it in passing, and one that does not know a path gives up.
 */
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Method, Route } from "../../face.ts"
import { json, refused } from "../answers.ts"
import { machineRoute, route } from "../route.ts"

type Absent = { path: string; what: string; why: string }

const noNetworks = "machines have no networks here"

const ofAccounts: readonly Absent[] = [
  { path: "networks", what: "network", why: noNetworks },
  { path: "fabrics/default/vlans", what: "VLAN", why: noNetworks },
  { path: "fwrules", what: "firewall rule", why: noNetworks },
  // Volumes of this API are NFS shares; block devices have no place in it.
  { path: "volumes", what: "volume", why: "NFS volumes are not to be had here" },
  { path: "migrations", what: "migration", why: "machines run where this service runs" },
]
const ofMachines: readonly Absent[] = [
  { path: "nics", what: "NIC", why: noNetworks },
  { path: "fwrules", what: "firewall rule", why: noNetworks },
]

export const absentRoutes: readonly Route[] = [
  ...ofAccounts.flatMap(({ path, ...absent }) =>
    answersOf(absent).map(({ method, below, answer }) =>
      route({ method, path: `/:account/${path}${below}`, answer }),
    ),
  ),
  ...ofMachines.flatMap(({ path, ...absent }) =>
    answersOf(absent).map(({ method, below, answer }) =>
      machineRoute({ method, path: `/${path}${below}`, answer }),
    ),
  ),
  route({ method: "GET", path: "/:account/volumesizes", answer: async () => ok(json([])) }),
  // The default network would stand there.
  route({ method: "GET", path: "/:account/config", answer: async () => ok(json({})) }),
]

type Told = { method: Method; below: "" | "/:one"; answer(): Promise<Result<Answer>> }

function answersOf({ what, why }: Omit<Absent, "path">): Told[] {
  const none = async () => ok(json([], 200, { "x-resource-count": "0" }))
  const missing = async () => refused("ResourceNotFound", `${what} not found`)
  return [
    { method: "GET", below: "", answer: none },
    { method: "POST", below: "", answer: async () => refused("InvalidArgument", why) },
    { method: "GET", below: "/:one", answer: missing },
    { method: "POST", below: "/:one", answer: missing },
    { method: "DELETE", below: "/:one", answer: missing },
  ]
}
