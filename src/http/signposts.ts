/**
 * Every method of every path a face has: its routes, the HEAD twins of its GETs, and for the rest
 * the answer that this path does not take this method, with the ones that it does.
 */
import type { Method, Route } from "../faces/face.ts"
import type { Destination } from "./exchange.ts"

export type Signpost = { method: string; path: string; destination: Destination }

export function signposts(routes: readonly Route[]): Signpost[] {
  const places = Map.groupBy(routes, (route) => shapeOf(route.path))
  return [...places.values()].flatMap((here) => {
    const own = here.map((route) => ({
      method: route.method as string,
      path: route.path,
      destination: { route },
    }))
    const all = [...own, ...headTwins(here)]
    return [...all, ...refusals(all)]
  })
}

/** Two paths that differ in their parameters' names alone are one place. */
const shapeOf = (path: string) => path.replace(/:[^/]+/g, ":")

function headTwins(here: readonly Route[]): Signpost[] {
  if (here.some(({ method }) => method === "HEAD")) return []
  return here
    .filter(({ method, lasting }) => method === "GET" && !lasting)
    .map((route) => ({ method: "HEAD", path: route.path, destination: { route } }))
}

function refusals(taken: readonly Signpost[]): Signpost[] {
  const [first] = taken
  if (first === undefined) return []
  const allowed = taken.map(({ method }) => method)
  const trouble = { kind: "wrong-method" as const, headers: { Allow: allowed.join(", ") } }
  return methods
    .filter((method) => !allowed.includes(method))
    .map((method) => ({ method, path: first.path, destination: { trouble } }))
}

const methods: readonly (Method | "OPTIONS" | "TRACE")[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
]
