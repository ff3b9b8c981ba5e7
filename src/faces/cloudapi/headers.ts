/**
 * The headers on every answer. Those that the first documents have with an `X-` and the later
 * ones without are sent in both spellings.
 */
import type { Method, Request, Route } from "../face.ts"
import { dialectFor, newest, wantedRange } from "./versions.ts"

const server = `cloudapi/${newest.version}`
const exposed = ["Api-Version", "Request-Id", "Response-Time"]
const allowed = [
  "Accept",
  "Accept-Version",
  "Api-Version",
  "Authorization",
  "Content-Length",
  "Content-MD5",
  "Content-Type",
  "Date",
  "X-Api-Version",
  "X-Request-Id",
]

export function standardHeaders(routes: readonly Route[]) {
  const places = placesOf(routes)
  return (request: Request): Record<string, string> => {
    const { version } = dialectFor(wantedRange(request.headers)) ?? newest
    const tookMs = `${Math.max(0, Math.round(performance.now() - request.receivedAt))}`
    return {
      "Api-Version": version,
      "X-Api-Version": version,
      "Request-Id": request.requestId,
      "X-Request-Id": request.requestId,
      "Response-Time": tookMs,
      "X-Response-Time": tookMs,
      Server: server,
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Methods": methodsAt(places, request).join(", "),
      "Access-Control-Allow-Headers": allowed.join(", "),
      "Access-Control-Expose-Headers": exposed.join(", "),
    }
  }
}

type Place = { segments: readonly string[]; methods: Method[] }

function placesOf(routes: readonly Route[]): Place[] {
  const byPath = Map.groupBy(routes, ({ path }) => path)
  return [...byPath].map(([path, here]) => ({
    segments: path.split("/"),
    methods: here.map(({ method }) => method).sort(),
  }))
}

/** Those of the path, whatever was done to it; of none, what was tried. */
function methodsAt(places: readonly Place[], { path, method }: Request): readonly Method[] {
  const asked = path.replace(/\/$/, "").split("/")
  const place = places.find(
    ({ segments }) =>
      segments.length === asked.length &&
      segments.every((segment, at) => segment.startsWith(":") || segment === asked[at]),
  )
  return place?.methods ?? [method]
}
