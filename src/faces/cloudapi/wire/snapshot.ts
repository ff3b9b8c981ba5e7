import type { SnapshotView } from "../../../core/core.ts"
import type { OperationState } from "../../../domain/operation.ts"
import type { CloudapiSettings } from "../../settings.ts"
import type { Dialect } from "../versions.ts"
import { MiB, timeText } from "./words.ts"

/** The least that storage takes for anything: a snapshot of which nothing differs yet is not 0. */
const leastBytes = 4096

export type Showing = {
  name: string
  dialect: Dialect
  settings: Pick<CloudapiSettings, "readyWord">
  /** Of the operation that takes it, while it is being taken. */
  work?: OperationState | undefined
}

export function renderSnapshot(snapshot: SnapshotView, showing: Showing) {
  const { dialect, name } = showing
  const created = timeText(snapshot.createdAt, dialect)
  return {
    name,
    state: stateWord(snapshot, showing),
    ...(snapshot.state === "ready" ? { size: sizeOf(snapshot) } : {}),
    created,
    updated: created,
  }
}

function stateWord({ state }: SnapshotView, { dialect, settings, work }: Showing): string {
  if (state === "ready") return dialect.readyWord ?? settings.readyWord
  if (state === "creating") return work === "queued" ? "queued" : "running"
  return state === "failed" ? "failed" : "deleted"
}

/** MiB that only this snapshot holds: they grow as the machine's disks move away from it. */
const sizeOf = ({ bytes }: SnapshotView) => Math.max(bytes.exclusive, leastBytes) / MiB
