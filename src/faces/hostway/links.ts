/**
 * Where things are found, said in the words of whoever asks: there are two families of URIs, short
 * (`/servers/…`) and long (`/accounts/{id}/flexcloud/servers/…`), and links stay within the one
 * that was used. They end in a slash, as every link of this API's documents does.
 */
import type { Request } from "../face.ts"

/** `origin` is empty where the client named no host: links are then relative to it. */
export type Place = { origin: string; family: string }
export type Link = { href: string; rel: "self" }

/** `account`: as the client wrote it in the path; none in the short family. */
export function placeOf({ headers, scheme }: Request, account?: string): Place {
  const host = headers.host ?? ""
  return {
    origin: plainHost.test(host) ? `${scheme}://${host}` : "",
    family: account === undefined ? "" : `/accounts/${encodeURIComponent(account)}/flexcloud`,
  }
}

/** What a client sends is repeated to it, but never anything that is no host at all. */
const plainHost = /^[\w.:[\]-]{1,255}$/

export const hrefOf = ({ origin, family }: Place, ...path: readonly (string | number)[]): string =>
  `${origin}${family}/${path.map(encodeURIComponent).join("/")}/`

export const linksTo = (place: Place, ...path: readonly (string | number)[]): Link[] => [
  { href: hrefOf(place, ...path), rel: "self" },
]
