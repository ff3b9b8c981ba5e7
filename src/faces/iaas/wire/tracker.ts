/** Request trackers: how an operation is told. */
import { explain } from "../../../domain/fault.ts"
import type { Operation } from "../../../domain/operation.ts"
import { paths } from "./words.ts"

export function renderTracker(operation: Operation, resources: readonly string[]) {
  const { id, kind } = operation
  return {
    id,
    name: names[kind] ?? kind,
    status: statusOf(operation),
    progress: progressOf(operation),
    message: messageOf(operation),
    resources,
    selfLink: paths.tracker(id),
  }
}

function statusOf({ state }: Operation): "FINISHED" | "FAILED" | "INPROGRESS" {
  if (state === "done") return "FINISHED"
  // What is stuck goes on only when a person has looked: whoever waits for it is told now.
  return state === "undone" || state === "stuck" ? "FAILED" : "INPROGRESS"
}

/** 100 is for what has finished. */
const progressOf = ({ state, progress }: Operation) =>
  state === "done" ? 100 : Math.min(99, Math.floor(progress))

function messageOf(operation: Operation): string {
  const { state, message, reason, fault } = operation
  const failed = fault === null ? (reason ?? "no reason is on record") : explain(fault)
  if (state === "stuck") return `${failed}; it could not be taken back, see tintype doctor`
  return state === "undone" || state === "undoing" ? failed : message
}

const names: Record<string, string> = {
  "machine-create": "Provisioning",
  "machine-delete": "Delete machine",
  "machine-start": "Power-on",
  "machine-stop": "Power-off",
  "machine-reboot": "Reboot",
  "machine-suspend": "Suspend",
  "machine-resize": "Resize",
  "machine-attach": "Attach disk",
  "machine-detach": "Detach disk",
  "machine-revert": "Revert snapshot",
  "machine-change": "Update machine",
  "snapshot-create": "Create snapshot",
  "snapshot-capture": "Create snapshot",
  "snapshot-delete": "Delete snapshot",
  "snapshot-change": "Update snapshot",
  "snapshot-export": "Export snapshot",
  "volume-create": "Create disk",
  "volume-clone": "Clone disk",
  "volume-delete": "Delete disk",
  "volume-revert": "Revert disk snapshot",
  "volume-grow": "Resize disk",
  "volume-import": "Import disk",
  "volume-export": "Export disk",
  "volume-change": "Update disk",
  "image-build-demo": "Build image",
  "image-import": "Import image",
  "image-delete": "Delete image",
}
