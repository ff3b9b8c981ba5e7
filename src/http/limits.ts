/** Everything has a limit; these are a listener's, and each may be set otherwise. */
export type Limits = {
  /** All headers of a request together, its first line included. */
  headerBytes: number
  urlBytes: number
  /** From the connection, or the answer before, to the last header. */
  headersMs: number
  /** The whole body of a route that does not stream. */
  bodyMs: number
  /** A connection on which nothing moves for so long, and it is not us who are slow, is cut. */
  stallMs: number
  /** An idle connection is kept for the next request. */
  keepAliveMs: number
  connections: number
  /** Requests at work at once; more are told to come back. */
  exchanges: number
  /** The same for uploads, downloads and event streams, which stay long and cost little. */
  lastingExchanges: number
  /** How long a body that nobody wants is taken, so that its sender gets to read the answer. */
  lingerMs: number
  /** How long work goes on after `close`. */
  closeMs: number
}

export const defaultLimits: Limits = {
  headerBytes: 16 * 1024,
  urlBytes: 8 * 1024,
  headersMs: 15_000,
  bodyMs: 30_000,
  stallMs: 120_000,
  keepAliveMs: 65_000,
  connections: 2048,
  exchanges: 256,
  lastingExchanges: 512,
  lingerMs: 3_000,
  closeMs: 5_000,
}
