/**
 * The listening sockets and their limits in time and number.
 *
 * Time is not limited by the clock of a whole request: a body that keeps moving may take all day.
 * A connection on which nothing moves is cut, unless it is we who are slow: who reads and gets
 * nothing, or has sent and nothing is taken, waits for the client; who does neither is at work.
 */
import type { RequestListener, Server, ServerOptions } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { Socket } from "node:net"
import type { Limits } from "./limits.ts"
import type { Wire } from "./send.ts"

// An import reads all that the module exports, and one of that, WebSocket, loads a second HTTP
// client when it is read (Node 24): 13 MB more for a server that has no use for it.
const { createServer } = process.getBuiltinModule("node:http")

/** PEM texts. */
export type Pem = { cert: string; key: string }

export type Sockets = {
  /** More than one server where a name stands for more than one address. */
  create(listener: RequestListener): Server
  watch(wire: Wire): void
  /** There is a request on it, and an answer to it may be on its way. */
  isAtWork(socket: Socket): boolean
  closeIdle(): void
  closeAll(): void
}

export function openSockets(limits: Limits, tls: Pem | undefined): Sockets {
  const servers: Server[] = []
  const atWork = new WeakMap<Socket, Wire>()
  const create = (listener: RequestListener) => {
    const options = serverOptions(limits)
    const server =
      tls === undefined
        ? createServer(options, listener)
        : createTlsServer({ ...options, ...tls }, listener)
    server.maxConnections = limits.connections
    server.setTimeout(limits.stallMs, (socket: Socket) => {
      const wire = atWork.get(socket)
      if (wire === undefined || waitsForClient(wire)) socket.destroy()
      else socket.setTimeout(limits.stallMs)
    })
    servers.push(server)
    return server
  }
  return {
    create,
    watch(wire) {
      const { socket } = wire.incoming
      atWork.set(socket, wire)
      wire.response.once("close", () => {
        if (atWork.get(socket) === wire) atWork.delete(socket)
      })
    },
    isAtWork: (socket) => atWork.has(socket),
    closeIdle: () => {
      for (const server of servers) server.closeIdleConnections()
    },
    closeAll: () => {
      for (const server of servers) server.closeAllConnections()
    },
  }
}

const serverOptions = (limits: Limits): ServerOptions => ({
  maxHeaderSize: limits.headerBytes,
  headersTimeout: limits.headersMs,
  requestTimeout: 0,
  connectionsCheckingInterval: Math.max(100, Math.floor(limits.headersMs / 3)),
  keepAliveTimeout: limits.keepAliveMs,
})

function waitsForClient({ incoming, response }: Wire): boolean {
  const readsInVain = !incoming.complete && incoming.readableFlowing === true
  const sendsInVain = response.writableLength > 0
  return readsInVain || sendsInVain
}
