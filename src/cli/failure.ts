/**
 * How a command fails: one sentence on stderr, and an exit code a script can act on. 0 is success;
 * the rest is written down here and nowhere else.
 */
import { dirname } from "node:path"
import type { FaultKind } from "../domain/fault.ts"

export const exitCode = {
  failure: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  conflict: 5,
  timeout: 6,
  interrupted: 130,
} as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** What ends a command; `message` is for people, and complete. */
export class Failure extends Error {
  readonly exitCode: ExitCode
  constructor(code: keyof typeof exitCode, message: string) {
    super(message)
    this.name = "Failure"
    this.exitCode = exitCode[code]
  }
}

/** A file or folder of the caller's: a slip in its name is by far the commonest. */
export function fileFailure(path: string, use: "read" | "written", cause: unknown): Failure {
  const { code, message } = cause as NodeJS.ErrnoException
  const why: Record<string, string> = {
    ENOENT: use === "read" ? `there is no file ${path}` : `there is no folder ${dirname(path)}`,
    EACCES: `${path} may not be ${use} by this user`,
  }
  return new Failure("usage", why[code ?? ""] ?? `${path} cannot be ${use}: ${message}`)
}

const byFault = {
  invalid: "usage",
  size: "usage",
  unauthenticated: "auth",
  forbidden: "auth",
  "not-found": "notFound",
  "name-taken": "conflict",
  "wrong-state": "conflict",
  "in-use": "conflict",
  quota: "conflict",
  "key-reused": "conflict",
  timeout: "timeout",
  "no-space": "failure",
  "bad-image": "failure",
  unsupported: "failure",
  unavailable: "failure",
  interrupted: "failure",
  failed: "failure",
} as const satisfies Record<FaultKind, keyof typeof exitCode>

const byStatus: Record<number, keyof typeof exitCode> = {
  400: "usage",
  401: "auth",
  403: "auth",
  404: "notFound",
  409: "conflict",
  504: "timeout",
}

/** By the fault's kind, or by the HTTP status where an answer (a proxy's, say) names none. */
export function failed(kind: unknown, status: number, message: string): Failure {
  return new Failure(codeOf(kind) ?? byStatus[status] ?? "failure", message)
}

function codeOf(kind: unknown): keyof typeof exitCode | undefined {
  return Object.entries(byFault).find(([fault]) => fault === kind)?.[1]
}
