import type { Watch } from "../engines/engine.ts"
import type { Tools } from "./tools.ts"

/** An engine's view of an operation: where to report bytes, and when to stop. */
export function watchOf(tools: Tools, verb: "sent" | "received" | "copied" | "kept"): Watch {
  return {
    signal: tools.signal,
    progress(doneBytes, totalBytes) {
      const fraction = totalBytes > 0 ? doneBytes / totalBytes : 0
      const of = totalBytes > 0 ? ` of ${mebibytes(totalBytes)}` : ""
      tools.report(fraction, `${mebibytes(doneBytes)}${of} MiB ${verb}`)
    },
  }
}

const mebibytes = (bytes: number) => Math.floor(bytes / 2 ** 20)
