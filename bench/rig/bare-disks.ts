/** The files of a bare guest's two disks, each a chain of qcow2 layers, made by `qemu-img`. */
import { chmod, chown, mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { BlockNode, DiskGraph } from "../../src/domain/disk.ts"
import { newId } from "../../src/domain/ids.ts"
import type { HostConfig, StartOrder } from "../../src/hosts/host.ts"
import { run } from "../../src/platform/command.ts"

const timeoutMs = 60_000
const extraBytes = 2 ** 30

export class BareDisks {
  readonly #config: HostConfig
  readonly #chains: Chain[] = []
  #made = 0

  private constructor(config: HostConfig) {
    this.#config = config
  }

  static async make(config: HostConfig): Promise<BareDisks> {
    await mkdir(join(config.dataDir, "layers"))
    await chmod(join(config.dataDir, "layers"), 0o711)
    return new BareDisks(config)
  }

  path(name: string): string {
    return join(this.#config.dataDir, "layers", name)
  }

  async begin(rootDisk: string, rootBytes: number): Promise<void> {
    const file = { driver: "file", filename: rootDisk, "read-only": true }
    const base = { driver: "raw", "node-name": "base", file, "read-only": true }
    const root = [base, ...(await this.#layer(rootBytes, "base"))]
    const extra = await this.#layer(extraBytes, null)
    this.#chains.push({ volume: newId<"volume">(), sizeBytes: rootBytes, nodes: root })
    this.#chains.push({ volume: newId<"volume">(), sizeBytes: extraBytes, nodes: extra })
  }

  disks(): StartOrder["disks"] {
    return this.#chains.map((chain, slot) => ({ slot, graph: graphOf(chain) }))
  }

  /** An overlay for each disk, to be added, and the switch onto them. */
  async grow() {
    const [added, actions]: [BlockNode[], object[]] = [[], []]
    for (const { nodes, sizeBytes } of this.#chains) {
      const top = nodes.at(-1)?.["node-name"] ?? null
      const overlay = await this.#layer(sizeBytes, null)
      added.push(...overlay)
      nodes.push(...overlay.map((node) => ("backing" in node ? { ...node, backing: top } : node)))
      const data = { node: top, overlay: overlay.at(-1)?.["node-name"] }
      actions.push({ type: "blockdev-snapshot", data })
    }
    return { nodes: added, actions }
  }

  /** Fresh heads in the place of the present ones. */
  async onFrozen(): Promise<StartOrder["disks"]> {
    const disks: { slot: number; graph: DiskGraph }[] = []
    for (const [slot, chain] of this.#chains.entries()) {
      const frozen = chain.nodes.slice(0, -2)
      const head = await this.#layer(chain.sizeBytes, frozen.at(-1)?.["node-name"] ?? null)
      disks.push({ slot, graph: graphOf({ ...chain, nodes: [...frozen, ...head] }) })
    }
    return disks
  }

  async #layer(sizeBytes: number, backing: string | null): Promise<[BlockNode, BlockNode]> {
    const name = `l${++this.#made}`
    const path = this.path(name)
    await run(["qemu-img", "create", "-q", "-f", "qcow2", path, `${sizeBytes}`], { timeoutMs })
    const { user } = this.#config
    if (user !== null) await chown(path, user.uid, user.gid)
    const access = { cache: { direct: true, "no-flush": false }, discard: "unmap" }
    const filename = `layers/${name}`
    return [
      { driver: "file", "node-name": `f${name}`, filename, aio: "native", ...access },
      { driver: "qcow2", "node-name": name, file: `f${name}`, backing, ...access },
    ]
  }
}

type Chain = { volume: DiskGraph["volume"]; sizeBytes: number; nodes: BlockNode[] }

const graphOf = ({ volume, nodes, sizeBytes }: Chain): DiskGraph => ({
  ...{ volume, nodes, sizeBytes },
  top: nodes.at(-1)?.["node-name"] ?? "",
})
