/** A world of fakes: bytes and machines are objects, so that a loop over every write takes seconds. */
import type { Principal } from "../../src/domain/account.ts"
import type { Result } from "../../src/domain/fault.ts"
import type { MachineId } from "../../src/domain/ids.ts"
import { openMemoryEngine } from "../../src/engines/memory/engine.ts"
import { newWorld as newBytes } from "../../src/engines/memory/world.ts"
import type { Host } from "../../src/hosts/host.ts"
import { openMemoryHost } from "../../src/hosts/memory/host.ts"
import { kill, newHostWorld } from "../../src/hosts/memory/world.ts"
import { ledgers } from "../../src/ledger/registry.ts"
import { bytesOf, type Making, right, type Service, upload } from "./world.ts"

export async function makeFakes(): Promise<Making> {
  const bytes = newBytes()
  const machines = newHostWorld()
  const config = { dataDir: "/nowhere", user: null }
  const ledger = await ledgers.sqlite(":memory:")
  return {
    name: "fakes",
    dataDir: config.dataDir,
    ledger,
    engineName: "memory",
    openEngines: async () => ({ memory: await openMemoryEngine(config, bytes) }),
    openHost: () => openMemoryHost(config, machines),
    makeImage,
    poke: async (host, machine, slot, text) => {
      await inGuest(host, machine, ["write", String(slot), "0", text])
    },
    peek: async (host, machine, slot) => {
      const { stdout } = await inGuest(host, machine, ["read", String(slot), "0", "16"])
      return stdout.toString().replace(/\0+$/, "")
    },
    remember: async (host, machine, text) => {
      await inGuest(host, machine, ["remember", text])
    },
    recall: async (host, machine) => {
      return (await inGuest(host, machine, ["recall"])).stdout.toString()
    },
    async killProcesses() {
      for (const machine of [...machines.running.keys()]) kill(machines, machine)
    },
    dispose: () => ledger.close(),
  }
}

async function makeImage({ core }: Service, who: Principal) {
  const source = upload(bytesOf("an image", 2 ** 20))
  const made = await core.images.importFrom({ who }, { name: "i", format: "raw", source })
  return right(made as Result<{ resource: { id: never } }>).resource.id
}

const inGuest = (host: Host, machine: MachineId, argv: string[]) =>
  host.exec(machine, argv, { waitForAgentMs: 1000, timeoutMs: 1000, maxOutputBytes: 1000 })
