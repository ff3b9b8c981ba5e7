/** What the API's things look like from here, and which of it a table shows. */
import { showAge, showSize } from "./sizes.ts"

export type Resource = {
  id: string
  name?: string
  state?: string
  reason?: string | null
  operationId?: string
  [field: string]: unknown
}

export type Operation = {
  id: string
  kind: string
  state: string
  target: { kind: string; id: string }
  progress: number
  message: string
  reason: string | null
  fault: { kind: string } | null
}

export type Snapshot = Resource & {
  name: string
  source: { kind: string; id: string }
  parentId: string | null
  points: { volumeId: string; sizeBytes: number; role: string }[]
  consistency: { label: string; note?: string | null } | null
  memory?: { bytes: number } | null
  bytes: { exclusive: number; shared: number }
  recovery: boolean
  current: boolean
  createdAt: string
}

export type Column = { title: string; cell(resource: Resource, now: number): string }

/** A kind of thing: where the API keeps it, what people call it, what a row of it shows. */
export type Kind = { word: string; collection: string; columns: readonly Column[] }

const text = (title: string, field: string): Column => ({
  title,
  cell: (resource) => String(resource[field] ?? "-"),
})
const sizeOrNone = (bytes: unknown) => (bytes == null ? "-" : showSize(Number(bytes)))
const size = (title: string, field: string): Column => ({
  title,
  cell: (resource) => sizeOrNone(resource[field]),
})
const age: Column = {
  title: "AGE",
  cell: (resource, now) => showAge(String(resource["createdAt"] ?? ""), now),
}
const id = text("ID", "id")
const name = text("NAME", "name")
const state = text("STATE", "state")

export const kinds = {
  account: {
    word: "account",
    collection: "/api/accounts",
    columns: [
      text("LOGIN", "login"),
      text("TENANT ID", "tenantId"),
      text("ACCOUNT NUMBER", "accountNumber"),
      age,
    ],
  },
  user: {
    word: "user",
    collection: "/api/users",
    columns: [id, name, text("ACCOUNT", "account"), text("ROLE", "role")],
  },
  key: {
    word: "key",
    collection: "/api/keys",
    columns: [id, name, text("FINGERPRINT", "fingerprint"), age],
  },
  image: {
    word: "image",
    collection: "/api/images",
    columns: [id, name, state, text("KIND", "kind"), size("SIZE", "sizeBytes"), age],
  },
  machine: {
    word: "machine",
    collection: "/api/machines",
    columns: [
      id,
      name,
      state,
      text("KIND", "kind"),
      { title: "MEMORY", cell: (it) => showSize(Number(it["memoryMiB"] ?? 0) * 2 ** 20) },
      text("CPUS", "cpus"),
      { title: "DISKS", cell: (it) => String((it["disks"] as unknown[] | undefined)?.length ?? 0) },
      age,
    ],
  },
  volume: {
    word: "volume",
    collection: "/api/volumes",
    columns: [
      id,
      name,
      state,
      size("SIZE", "sizeBytes"),
      text("ROLE", "role"),
      text("MACHINE", "machineId"),
      age,
    ],
  },
  snapshot: {
    word: "snapshot",
    collection: "/api/snapshots",
    columns: [
      id,
      name,
      state,
      { title: "OF", cell: (it) => sourceWords(it as Snapshot) },
      { title: "CONSISTENCY", cell: (it) => (it as Snapshot).consistency?.label ?? "-" },
      { title: "MEMORY", cell: (it) => sizeOrNone((it as Snapshot).memory?.bytes) },
      { title: "OWN BYTES", cell: (it) => showSize((it as Snapshot).bytes?.exclusive ?? 0) },
      { title: "KEPT AS", cell: (it) => (it["recovery"] === true ? "recovery" : "-") },
      age,
    ],
  },
  operation: {
    word: "operation",
    collection: "/api/operations",
    columns: [
      id,
      text("KIND", "kind"),
      state,
      { title: "DONE", cell: (it) => `${Number(it["progress"] ?? 0)}%` },
      {
        title: "OF",
        cell: (it) => {
          const target = it["target"] as Operation["target"] | undefined
          return target === undefined ? "-" : `${target.kind} ${target.id}`
        },
      },
      age,
    ],
  },
} as const satisfies Record<string, Kind>

function sourceWords(snapshot: Snapshot): string {
  return snapshot.source === undefined ? "-" : `${snapshot.source.kind} ${snapshot.source.id}`
}
