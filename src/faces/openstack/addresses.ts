/** Where a client finds this listener: with the very name by which it came. */
import type { Request } from "../face.ts"

type Asked = Pick<Request, "headers" | "scheme">

export function baseOf({ headers, scheme }: Asked): string {
  const host = headers.host ?? ""
  return `${scheme}://${plainHost.test(host) ? host : "localhost"}`
}

const plainHost = /^[\w.:[\]-]{1,255}$/

/** What `WWW-Authenticate` names: where to get a token. */
export const identityOf = (request: Asked): string => `${baseOf(request)}/identity`
