/** A world of real things: qcow2 layers on a real file system, QEMU machines with real guests. */
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Principal } from "../../src/domain/account.ts"
import type { MachineId } from "../../src/domain/ids.ts"
import { demoImageId } from "../../src/domain/image.ts"
import { openQcow2Engine } from "../../src/engines/qcow2/engine.ts"
import type { Host } from "../../src/hosts/host.ts"
import { findProcesses } from "../../src/hosts/vm/adopt.ts"
import { openVmHost } from "../../src/hosts/vm/host.ts"
import { ledgers } from "../../src/ledger/registry.ts"
import { demoImage } from "../fixtures/demo-image.ts"
import { daemonsOf, gone, goneLayersOf, strike } from "../fixtures/own-processes.ts"
import { type Making, type Service, settled } from "./world.ts"

export async function makeReal(): Promise<Making> {
  const dataDir = await mkdtemp(join(tmpdir(), "tintype-crash-"))
  await chmod(dataDir, 0o711)
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null
  const config = { dataDir, user }
  const ledger = await ledgers.sqlite(join(dataDir, "ledger.db"))
  const openHost = async (): Promise<Host> => {
    const host = await openVmHost(config)
    // Built once for all worlds; what is tested here is what comes after.
    return { ...host, buildDemo: demoImage }
  }
  return {
    name: "real",
    dataDir,
    ledger,
    engineName: "qcow2",
    openEngines: async () => ({ qcow2: await openQcow2Engine(config) }),
    openHost,
    async makeImage(service: Service, who: Principal) {
      await settled(service, ledger, await service.core.images.buildDemo({ who }))
      return demoImageId
    },
    async poke(host, machine, slot, text) {
      const script = `printf '%-16s' '${text}' | dd of=${device(slot)} bs=16 conv=notrunc,fsync 2>/dev/null`
      await shell(host, machine, script)
    },
    async peek(host, machine, slot) {
      const script = `echo 3 > /proc/sys/vm/drop_caches; dd if=${device(slot)} bs=16 count=1 2>/dev/null`
      return (await shell(host, machine, script)).replace(/[\0 ]+$/, "")
    },
    async remember(host, machine, text) {
      await shell(
        host,
        machine,
        `mkdir -p /run; grep -q ' /run ' /proc/mounts || mount -t tmpfs run /run; printf '${text}' > /run/memory`,
      )
    },
    recall: (host, machine) => shell(host, machine, "cat /run/memory"),
    strays: () => goneLayersOf(dataDir),
    async killProcesses() {
      const machines = (await findProcesses(dataDir)).map(({ process }) => process.pid)
      const pids = [...machines, ...(await daemonsOf(dataDir))]
      for (const pid of pids) strike(pid, "SIGKILL")
      for (const pid of pids) await gone(pid)
    },
    async dispose() {
      const host = await openVmHost(config)
      for (const { id } of await ledger.read.machines.find({})) await host.stop(id, 0)
      await host.close()
      await ledger.close()
      await rm(dataDir, { recursive: true })
    },
  }
}

const device = (slot: number) => `/dev/vd${String.fromCharCode("a".charCodeAt(0) + slot)}`

async function shell(host: Host, machine: MachineId, script: string): Promise<string> {
  const options = { waitForAgentMs: 150_000, timeoutMs: 150_000, maxOutputBytes: 4096 }
  const { exitCode, stdout, stderr } = await host.exec(machine, ["sh", "-c", script], options)
  if (exitCode !== 0) throw new Error(`${script}: ${stderr.toString()}`)
  return stdout.toString()
}
