import type { Answer, Face, MishapKind, Request } from "../faces/face.ts"

/** What went wrong before the core was asked, and what HTTP itself wants said of it. */
export type Trouble = { kind: MishapKind; headers?: Record<string, string> }

export function mishapAnswer(face: Face, { kind, headers }: Trouble, request: Request): Answer {
  const { status, why } = words[kind]
  const answer = face.renderMishap({ kind, status, why }, request)
  return headers === undefined ? answer : { ...answer, headers: { ...headers, ...answer.headers } }
}

const words: Record<MishapKind, { status: number; why: string }> = {
  malformed: { status: 400, why: "this is not a well-formed URL" },
  "no-route": { status: 404, why: "there is nothing at this path" },
  "wrong-method": { status: 405, why: "this path does not take this method" },
  slow: { status: 408, why: "the body did not come in time" },
  "too-large": { status: 413, why: "the body is too large" },
  "long-url": { status: 414, why: "the URL is too long" },
  internal: { status: 500, why: "something went wrong in here; the log knows more" },
  busy: { status: 503, why: "too many requests at once; try again in a moment" },
}
