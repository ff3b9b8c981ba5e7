/**
 * The floor of memory snapshots: the same guest with two disks, and QEMU told by hand to stop it,
 * switch its disks, and write its memory to a file while it goes on. Nothing is recorded.
 */
import { chmod, mkdir, open } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { newId } from "../../src/domain/ids.ts"
import type { Host, HostConfig, StartOrder } from "../../src/hosts/host.ts"
import { hostKinds } from "../../src/hosts/registry.ts"
import { handedOver, handOver } from "../../src/hosts/vm/hand-over.ts"
import { program } from "../../src/hosts/vm/installation.ts"
import { commandLine, type FixedHardware } from "../../src/hosts/vm/launch.ts"
import { makeRunPlaces, placesOf } from "../../src/hosts/vm/layout.ts"
import { run } from "../../src/platform/command.ts"
import { isObject } from "../../src/platform/json-lines.ts"
import { endProcess, spawnDetached } from "../../src/platform/process.ts"
import { openQmp, type Qmp } from "../../src/platform/qmp.ts"
import { openStateDirectory, serviceUser } from "../../src/state-directory.ts"
import type { Stand } from "../benchmark.ts"
import { BareDisks } from "./bare-disks.ts"
import { beBusy, firstTick } from "./busy-guest.ts"
import { timed } from "./measure.ts"

export interface BareGuest {
  keepMemory(): Promise<Kept>
  /** Ends the guest, for good. */
  end(): Promise<void>
  /** A QEMU goes on from what was kept last, and is ended then. */
  goOn(): Promise<{ loadedMs: number; tickMs: number }>
}
export type Kept = { pauseMs: number; totalMs: number; bytes: number }

const timeoutMs = 60_000
const askEveryMs = 2
const hardware = { memoryMiB: 256, cpus: 1, machineType: null, cpuModel: null }
/** More than its memory can take. */
const streamBytes = 350 * 2 ** 20

export async function bareGuest({ folder, after }: Stand): Promise<BareGuest> {
  const dataDir = join(folder, "bare")
  const config: HostConfig = { dataDir, user: await serviceUser("tintype") }
  await mkdir(dataDir)
  await openStateDirectory(dataDir)
  const host = await hostKinds.vm(config)
  const storage = await BareDisks.make(config)
  const order = await orderFor(host, storage)
  const { process, hardware: fixed } = await host.start(order)
  const end = () => endProcess(process, 0)
  after(end)
  await host.answers(order.machine, timeoutMs)
  const limits = { waitForAgentMs: timeoutMs, timeoutMs, maxOutputBytes: 4096 }
  await host.exec(order.machine, ["sh", "-c", beBusy], limits)
  // From here on its monitor is ours.
  await host.close()
  const path = join(dataDir, placesOf(order.machine).qmp)
  const qmp = await openQmp(path, { connectWithinMs: timeoutMs })
  after(() => qmp.close())
  let kept = 0
  const memory = () => `memory/${kept}`
  return {
    end,
    async keepMemory() {
      kept += 1
      return await keepMemory({ dataDir, order, qmp, storage, place: memory() })
    },
    goOn: () => {
      const accelerator = process.accelerator as "kvm" | "tcg"
      const hardware = fixed as FixedHardware
      return goOn(config, order, { hardware, accelerator, storage, place: memory() })
    },
  }
}

async function orderFor(host: Host, storage: BareDisks): Promise<StartOrder> {
  const built = storage.path("demo")
  await mkdir(built)
  const demo = await host.buildDemo(built, () => {})
  const image = newId<"image">()
  await host.keepBootFiles(image, demo.boot)
  const machine = newId<"machine">()
  await host.prepare(machine, image)
  await chmod(built, 0o755)
  await chmod(demo.disk, 0o644)
  await storage.begin(demo.disk, demo.sizeBytes)
  const boot = { append: demo.append }
  return { machine, name: "bare", hardware, disks: storage.disks(), boot }
}

type Keeping = { dataDir: string; order: StartOrder; qmp: Qmp; storage: BareDisks; place: string }

async function keepMemory(keeping: Keeping): Promise<Kept> {
  const { dataDir, order, qmp, storage, place } = keeping
  const file = await open(join(dataDir, place), "w+", 0o600)
  try {
    const times = { stop: 0, resume: 0 }
    const totalMs = await timed(async () => {
      const reserved = ["--keep-size", "--length", `${streamBytes}`]
      await run(["fallocate", ...reserved, join(dataDir, place)], { timeoutMs })
      const { nodes, actions } = await storage.grow()
      for (const node of nodes) await qmp.execute("blockdev-add", node)
      await qmp.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 })
      await qmp.execute("migrate-set-capabilities", {
        capabilities: [{ capability: "background-snapshot", state: true }],
      })
      const channel = await handOver(dataDir, order.machine, place)
      const [stopped, resumed] = ["STOP", "RESUME"].map((name) => {
        return qmp.once(name, { withinMs: timeoutMs })
      })
      await qmp.execute("stop")
      await qmp.execute("transaction", { actions })
      await channel.execute("migrate", { uri: handedOver })
      times.stop = (await stopped)?.atMs ?? Number.NaN
      times.resume = (await resumed)?.atMs ?? Number.NaN
      channel.close()
      await until(async () => (await stateOf(qmp, "query-migrate")) === "completed")
      await file.truncate((await file.stat()).size)
      await file.sync()
    })
    const bytes = (await file.stat()).blocks * 512
    return { pauseMs: times.resume - times.stop, totalMs, bytes }
  } finally {
    await file.close()
  }
}

type Source = {
  hardware: FixedHardware
  accelerator: "kvm" | "tcg"
  storage: BareDisks
  place: string
}

/** On heads of its own, on what was switched away when the memory was kept. */
async function goOn(config: HostConfig, order: StartOrder, source: Source) {
  const { hardware, accelerator, storage, place } = source
  const { dataDir, user } = config
  await makeRunPlaces(config, order.machine)
  const places = placesOf(order.machine)
  const memory = { snapshot: newId<"snapshot">(), keptUnder: accelerator }
  const again = { ...order, disks: await storage.onFrozen(), memory }
  const argv = commandLine(program, again, hardware, accelerator)
  const file = await open(join(dataDir, place), "r")
  const logFile = join(dataDir, places.log)
  const ticks = firstTick(join(dataDir, places.console))
  const began = performance.now()
  const process = await spawnDetached({ argv, cwd: dataDir, user, logFile, files: [file.fd] })
  try {
    const qmp = await openQmp(join(dataDir, places.qmp), { connectWithinMs: timeoutMs })
    await until(async () => (await stateOf(qmp, "query-status")) !== "inmigrate")
    const loadedMs = performance.now() - began
    await qmp.execute("cont")
    await ticks
    qmp.close()
    return { loadedMs, tickMs: performance.now() - began }
  } finally {
    await endProcess(process, 0)
    await file.close()
  }
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await reached())) {
    if (performance.now() > deadline) throw new Error("QEMU did not come to its end")
    await sleep(askEveryMs)
  }
}

async function stateOf(qmp: Qmp, question: string): Promise<unknown> {
  const answer = await qmp.execute(question)
  return isObject(answer) ? answer["status"] : undefined
}
