/**
 * Bytes in and out. An upload is the request's body as it comes. A download's headers wait until
 * the bytes begin: what is refused before that is an ordinary problem, what breaks afterwards cuts
 * the connection, so that nobody takes a part for the whole.
 */
import { PassThrough, type Writable } from "node:stream"
import type { Download, Started, Upload } from "../../core/core.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { OperationId } from "../../domain/ids.ts"
import { sparseType } from "../../domain/sparse.ts"
import type { Answer, Request } from "../face.ts"
import { failureOf } from "./answers.ts"
import { wrongMediaType } from "./problem.ts"

const plainType = "application/octet-stream"

/** Hands the body on as `format` says, or as the sparse form of raw, as its Content-Type says. */
export async function upload(
  request: Request,
  told: { format: "raw" | "qcow2" | "rootfs"; diskBytes?: number | null; mostBytes?: number },
  take: (source: Upload) => Promise<Result<Answer>>,
): Promise<Result<Answer>> {
  const { format, diskBytes = null, mostBytes } = told
  const known = format === "raw" ? [plainType, sparseType] : [plainType]
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase() ?? plainType
  if (!known.includes(type)) return ok(wrongMediaType(known, request))
  const length = request.headers["content-length"]
  return take({
    // A root file system's archive travels as plain bytes, too.
    format: type === sparseType ? "sparse" : format === "qcow2" ? "qcow2" : "raw",
    stream: request.stream,
    lengthBytes: length === undefined ? null : Number(length),
    diskBytes,
    ...(mostBytes === undefined ? {} : { mostBytes }),
  })
}

export function download<T>(
  request: Request,
  format: Download["format"],
  give: (sink: Download) => Promise<Result<Started<T>>>,
): Promise<Result<Answer>> {
  let operation: OperationId | undefined
  return pour(request, async (tap) => {
    const started = await give({
      format,
      accepted: ({ id }) => {
        operation = id
      },
      open(lengthBytes) {
        tap.open({
          "Content-Type": format === "sparse" ? sparseType : plainType,
          ...(lengthBytes === null ? {} : { "Content-Length": `${lengthBytes}` }),
          ...(operation === undefined ? {} : { "X-Operation-Id": operation }),
        })
        return tap.stream
      },
    })
    if (!started.ok) return started
    const { operation: ended } = started.value
    return ended.state === "done" ? whole : no(failureOf(ended))
  })
}

/** For bytes whose sink has no `open`: their first byte opens the answer. */
export function downloadPlain(
  request: Request,
  give: (sink: Writable) => Promise<Result<null>>,
): Promise<Result<Answer>> {
  return pour(request, async (tap) => {
    tap.stream.once("readable", () => tap.open({ "Content-Type": plainType }))
    const given = await give(tap.stream)
    return given.ok ? whole : given
  })
}

/** Everything was given. */
const whole = ok("whole" as const)

type Tap = { stream: PassThrough; open(headers: Record<string, string>): void }

async function pour(
  request: Request,
  give: (tap: Tap) => Promise<Result<"whole">>,
): Promise<Result<Answer>> {
  const stream = new PassThrough({ highWaterMark: 2 ** 18 })
  // A stream that fails after its client went away has nobody left to tell.
  stream.on("error", () => {})
  request.signal.addEventListener("abort", () => stream.destroy(), { once: true })
  if (request.signal.aborted) stream.destroy()

  let headers: Record<string, string> | undefined
  const opened = Promise.withResolvers<void>()
  const ended = give({
    stream,
    open(told) {
      headers = told
      opened.resolve()
    },
  })
  const outcome = ended.then(
    (result) => close(stream, result),
    (cause: unknown) => {
      stream.destroy(new Error("the bytes stopped", { cause }))
    },
  )
  await Promise.race([opened.promise, outcome])
  if (headers !== undefined) return ok({ status: 200, headers, body: stream })
  const result = await ended
  if (!result.ok) return result
  throw new Error("a download ended without having begun")
}

function close(stream: PassThrough, result: Result<"whole">): void {
  if (!result.ok) stream.destroy(new Error(`the bytes stopped: ${result.fault.kind}`))
  else if (!stream.writableEnded) stream.end()
}
