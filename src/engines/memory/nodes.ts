/** A layer as a node of a process that opens it: in memory, the layer itself. */
import type { BlockNode } from "../../domain/disk.ts"
import type { MemoryLayer } from "./world.ts"

export const nodeOf = (id: string, layer: MemoryLayer): BlockNode => ({
  driver: "memory",
  "node-name": id,
  layer,
})
