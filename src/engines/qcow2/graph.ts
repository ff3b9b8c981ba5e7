/**
 * The block nodes by which QEMU opens a chain of layers: for each a `file` node and a `qcow2` node
 * on it, the lowest first. What stands on what comes from the memory; the `backing` of every node
 * is spelled out, so that the name in a file's header is never followed.
 */
import type { BlockNode } from "../../domain/disk.ts"
import { type LayerId, layerFile } from "./layer-files.ts"
import { layersName } from "./store.ts"
import type { Layer } from "./tree.ts"

export const diskNode = (id: LayerId): string => `q${short(id)}`
const fileNode = (id: LayerId): string => `f${short(id)}`

/** QEMU takes names of at most 31 characters; a UUID in base 36 has 25. */
const short = (id: LayerId): string => BigInt(`0x${id.replaceAll("-", "")}`).toString(36)

/** `writable` opens the top one for writing; those below it never change. */
export function chainNodes(
  chain: readonly Layer[],
  options: { directIo: boolean; writable: boolean },
): BlockNode[] {
  return chain.flatMap(({ id, parent }, index) =>
    layerNodes(id, {
      directIo: options.directIo,
      readOnly: !(options.writable && index === chain.length - 1),
      backing: parent === null ? null : diskNode(parent),
    }),
  )
}

/** A layer's own node, standing on the layer `backing`. */
export function linkNode(
  id: LayerId,
  options: { directIo: boolean; readOnly: boolean; backing: LayerId },
): BlockNode {
  const { directIo, readOnly, backing } = options
  const [, node] = layerNodes(id, { directIo, readOnly, backing: diskNode(backing) })
  return node
}

/** The names of a layer's nodes, the upper one first. */
export const nodeNames = (id: LayerId): string[] => [diskNode(id), fileNode(id)]

/** An overlay that waits beside the open disk; the switch puts it on the disk's top. */
export const overlayNodes = (id: LayerId, directIo: boolean): BlockNode[] =>
  layerNodes(id, { directIo, readOnly: false, backing: null })

/** A layer's file as plain bytes, beside whoever else has it open. */
export function bytesNodes(id: LayerId): { nodes: BlockNode[]; top: string } {
  const [file, top] = [fileNode(id), diskNode(id)]
  const access = { "read-only": false, discard: "unmap" }
  const filename = `${layersName}/${layerFile(id)}`
  return {
    nodes: [
      { driver: "file", "node-name": file, filename, locking: "off", ...access },
      { driver: "raw", "node-name": top, file, ...access },
    ],
    top,
  }
}

type NodeOptions = { directIo: boolean; readOnly: boolean; backing: string | null }

// Past the page cache a switch has nothing to flush; through it the guest waits for all of it.
function layerNodes(
  id: LayerId,
  { directIo, readOnly, backing }: NodeOptions,
): [BlockNode, BlockNode] {
  const access = {
    "read-only": readOnly,
    discard: "unmap",
    cache: { direct: directIo, "no-flush": false },
  }
  return [
    {
      driver: "file",
      "node-name": fileNode(id),
      filename: `${layersName}/${layerFile(id)}`,
      aio: directIo ? "native" : "threads",
      ...access,
    },
    { driver: "qcow2", "node-name": diskNode(id), file: fileNode(id), backing, ...access },
  ]
}
