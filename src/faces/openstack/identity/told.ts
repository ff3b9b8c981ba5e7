/** The few shapes that all routes of Identity share. */
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import { readJson } from "../../read.ts"

export const json = (
  status: number,
  body: object,
  headers: Record<string, string> = {},
): Result<Answer> =>
  ok({ status, headers: { ...headers, "Content-Type": "application/json" }, body })

export const gone: Result<Answer> = ok({ status: 204, body: null })

/** Identity is at the root, where old clients look, and below `/identity`, where new ones do. */
export const inBothPlaces = (routes: readonly Route[]): Route[] =>
  routes.flatMap((route) => [route, { ...route, path: `/identity${route.path}` }])

export const bodyOf = (request: Request): Result<unknown> => readJson(request.bytes)

/** A header that may come once; undefined where it does not. */
export function headerOf({ headers }: Request, name: string): string | undefined {
  const value = headers[name]
  return typeof value === "string" && value !== "" ? value : undefined
}
