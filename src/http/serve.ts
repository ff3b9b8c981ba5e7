/**
 * A face's own listener, and the only place that knows the web framework. Fastify reads the URL
 * and finds the route; from there on `exchange` has the request, because bodies are the faces' own
 * to read (some take JSON whatever its Content-Type says), and large ones must not be touched.
 */
import type { AddressInfo } from "node:net"
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  type HTTPMethods,
} from "fastify"
import type { Logger } from "pino"
import type { Core } from "../core/core.ts"
import type { Face } from "../faces/face.ts"
import { type Desk, type Destination, type Exchanged, exchange } from "./exchange.ts"
import { defaultLimits, type Limits } from "./limits.ts"
import { foldedUrl } from "./request.ts"
import { signposts } from "./signposts.ts"
import { openSockets, type Pem, type Sockets } from "./sockets.ts"

export type ServeOptions = {
  host: string
  /** 0 takes any free port. */
  port: number
  tls?: Pem
  log: Logger
  metrics?: (exchanged: Exchanged) => void
  limits?: Partial<Limits>
}

export type Listener = {
  url: string
  /** Takes no more requests, ends event streams, and gives what is at work a while to finish. */
  close(): Promise<void>
}

export async function serveFace(face: Face, core: Core, options: ServeOptions): Promise<Listener> {
  const limits = { ...defaultLimits, ...options.limits }
  const sockets = openSockets(limits, options.tls)
  const closing = new AbortController()
  const desk: Desk = {
    face,
    core,
    log: options.log,
    metrics: options.metrics ?? (() => {}),
    limits,
    closing: closing.signal,
    load: { brief: 0, lasting: 0 },
  }
  const lead = (destination: Destination, request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack()
    const wire = { incoming: request.raw, response: reply.raw }
    sockets.watch(wire)
    wire.response.once("close", () => closing.signal.aborted && sockets.closeIdle())
    exchange(desk, destination, found(request), wire).catch((cause: unknown) => {
      // Not even a face's words for a failure could be had.
      options.log.error({ err: cause }, "a face failed")
      reply.raw.destroy()
    })
  }
  const app = openRouter(sockets, limits, lead)
  for (const { method, path, destination } of signposts(face.routes)) {
    app.route({
      method: method as HTTPMethods,
      url: path,
      onRequest: (request, reply) => lead(destination, request, reply),
      handler: neverReached,
    })
  }
  await app.listen({ host: options.host, port: options.port })
  return {
    url: urlOf(app.server.address(), options),
    async close() {
      closing.abort()
      const overdue = setTimeout(sockets.closeAll, limits.closeMs)
      await app.close()
      clearTimeout(overdue)
    },
  }
}

/** How to reach it from this machine; all addresses at once are reached by loopback, too. */
function urlOf(address: AddressInfo | string | null, { host, tls }: ServeOptions): string {
  if (address === null || typeof address === "string") throw new Error("this is no TCP listener")
  const loopback: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" }
  const reached = loopback[host] ?? host
  const name = reached.includes(":") ? `[${reached}]` : reached
  return `${tls === undefined ? "http" : "https"}://${name}:${address.port}`
}

type Lead = (destination: Destination, request: FastifyRequest, reply: FastifyReply) => void

function openRouter(sockets: Sockets, limits: Limits, lead: Lead): FastifyInstance {
  const app = fastify({
    logger: false,
    serverFactory: sockets.create,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    rewriteUrl: (incoming) => foldedUrl(incoming.url ?? "/"),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.urlBytes },
    frameworkErrors: (_error, request, reply) =>
      lead({ trouble: { kind: "malformed" } }, request, reply),
    clientErrorHandler: (error, socket) => {
      // Before there is a request there is no face to word this.
      const status = earlyStatus[error.code] ?? "400 Bad Request"
      if (!socket.writable || sockets.isAtWork(socket)) socket.destroy()
      else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    },
  })
  app.setNotFoundHandler(neverReached)
  app.addHook("onRequest", (request, reply, next) => {
    if (request.is404) lead({ trouble: { kind: "no-route" } }, request, reply)
    else next()
  })
  return app
}

const earlyStatus: Record<string, string> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
}

function neverReached(): never {
  throw new Error("every request is led away before its handler")
}

const found = (request: FastifyRequest) => ({
  urlAsSent: request.originalUrl,
  params: request.params as Record<string, string>,
  query: request.query as Record<string, string | string[]>,
})
