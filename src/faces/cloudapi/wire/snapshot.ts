import type { SnapshotView } from "../../../core/core.ts"
import type { CloudapiSettings } from "../../settings.ts"
import type { Dialect } from "../versions.ts"
import { MiB, timeText } from "./words.ts"

/** The least that storage takes for anything: a snapshot of which nothing differs yet is not 0. */
const leastBytes = 4096

export type Showing = {
  name: string
  dialect: Dialect
  settings: Pick<CloudapiSettings, "readyWord">
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

/**
 * One that is on its way is `queued` all the time: the word that every client waits behind. The
 * newest take `running`, which servers once said for a moment, for a state that is none.
 */
function stateWord({ state }: SnapshotView, { dialect, settings }: Showing): string {
  if (state === "ready") return dialect.readyWord ?? settings.readyWord
  if (state === "creating") return "queued"
  return state === "failed" ? "failed" : "deleted"
}

/** MiB that only this snapshot holds: they grow as the machine's disks move away from it. */
const sizeOf = ({ bytes }: SnapshotView) => Math.max(bytes.exclusive, leastBytes) / MiB
