/** What an engine and a host say to each other about the disks of a running machine. */
import type { VolumeId } from "./ids.ts"

/** Options of one `blockdev-add` (QEMU's BlockdevOptions), `node-name` and `driver` always set. */
export type BlockNode = { "node-name": string; driver: string; [option: string]: unknown }

/** Nodes bottom-up, in the order in which they must be added; `top` is the guest's disk. */
export type DiskGraph = {
  volume: VolumeId
  nodes: readonly BlockNode[]
  top: string
  sizeBytes: number
}

export type DiskSwitch = {
  volume: VolumeId
  /** The disk's top node before and after; a host looks which of them it has. */
  from: string
  to: string
  /** Nodes to add beforehand, while the guest goes on; skipped where they exist. */
  nodes: readonly BlockNode[]
  /** QMP transaction actions; those of all disks go into one transaction. */
  actions: readonly { type: string; data: Record<string, unknown> }[]
  /** For storages with snapshots of their own: done while the guest is stopped, after actions. */
  whileStopped?: () => Promise<void>
}

/**
 * How disks that are open come to stand on storage that took the place of other storage. What the
 * guest reads stays the same; what it writes goes on meanwhile.
 */
export type Restack = {
  /** The new nodes and those below them, the lowest first; skipped where they exist. */
  nodes: readonly BlockNode[]
  /** Each of these nodes, where it is there, stands on `backing` from now on. */
  links: readonly { node: BlockNode; backing: string }[]
  /** Nodes that nobody may have any more when this is done. */
  gone: readonly string[]
}
