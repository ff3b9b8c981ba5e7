/** What a face is told of a request. */
import { randomUUID } from "node:crypto"
import type { IncomingMessage } from "node:http"
import type { Method, Request } from "../faces/face.ts"

/** What the router found in the URL. */
export type Found = {
  urlAsSent: string
  params: Record<string, string>
  query: Record<string, string | string[]>
}

export function readRequest(
  incoming: IncomingMessage,
  found: Found,
  surroundings: Pick<Request, "stream" | "signal" | "closing">,
): Request {
  const url = incoming.url ?? "/"
  return {
    ...found,
    ...surroundings,
    method: incoming.method as Method,
    url,
    path: url.split("?", 1)[0] ?? "/",
    scheme: "encrypted" in incoming.socket ? "https" : "http",
    headers: incoming.headers,
    bytes: noBytes,
    requestId: requestId(incoming),
    receivedAt: performance.now(),
    remoteAddress: incoming.socket.remoteAddress ?? "",
  }
}

const noBytes = Buffer.alloc(0)

/**
 * A base URL that ends in a slash and a path that begins with one make two, wherever they meet;
 * some proxies send the absolute form.
 */
export function foldedUrl(url: string): string {
  const [, path = "", query = ""] = /^(?:https?:\/\/[^/?#]*)?([^?#]*)(.*)$/is.exec(url) ?? []
  return `/${path.replace(/^\/+/, "")}`.replace(/\/{2,}/g, "/") + query
}

/** The client's own, where it sent one that is safe to log and to send back. */
function requestId(incoming: IncomingMessage): string {
  const theirs = incoming.headers["x-request-id"] ?? incoming.headers["request-id"]
  return typeof theirs === "string" && plainId.test(theirs) ? theirs : randomUUID()
}

const plainId = /^[\w.:-]{1,64}$/
