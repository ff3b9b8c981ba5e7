/** The service in our own process, with an engine of our choice and no doors. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Readable } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import type { Asking, Core, Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { explain, type Result } from "../../src/domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import type { EngineHouse, UpkeepLimits } from "../../src/engines/engine.ts"
import type { Host } from "../../src/hosts/host.ts"
import { hostKinds } from "../../src/hosts/registry.ts"
import { openLog } from "../../src/http/log.ts"
import { ledgers } from "../../src/ledger/registry.ts"
import { fileSystemOf } from "../../src/platform/file-system.ts"
import { openService } from "../../src/service.ts"
import { adminToken, openStateDirectory, serviceUser } from "../../src/state-directory.ts"
import { version } from "../../src/version.ts"
import type { Stand } from "../benchmark.ts"
import { type EngineName, openEngine } from "../contenders.ts"

export interface Service {
  readonly core: Core
  readonly who: Principal
  /** What was begun, once it is done. */
  finished<T>(started: Promise<Result<Started<T>>>): Promise<T>
  /** Empty, or with what a snapshot kept. */
  makeVolume(of: number | SnapshotId): Promise<VolumeId>
  /** Replaces its content. */
  fill(volume: VolumeId, content: Readable): Promise<void>
  /** Resolves when it is ready. */
  takeSnapshot(volume: VolumeId): Promise<SnapshotId>
  /** A machine that runs, with these volumes. */
  startMachine(volumes: readonly VolumeId[]): Promise<MachineId>
  /** Resolves once nothing is under way any more and no upkeep is left to do. */
  idle(): Promise<void>
  close(): Promise<void>
}

export type ServiceParts = { host?: Host; upkeep?: UpkeepLimits }

const askEveryMs = 50
const doneWithinMs = 600_000

/** The state directory may have been opened before; a later one in this process may open it again. */
export async function openBareService(
  dataDir: string,
  engine: EngineName,
  { after }: Pick<Stand, "after">,
  parts: ServiceParts = {},
): Promise<Service> {
  const { service, token } = await open(dataDir, engine, parts)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= service.close(5_000)
    return closed
  }
  after(close)
  const { core } = service
  const who = must(await core.identity.byToken(token))
  const asking: Asking = { who }
  const finished = async <T>(started: Promise<Result<Started<T>>>): Promise<T> => {
    const { resource, operation } = must(await started)
    const ended = must(await core.operations.wait(who, operation.id, doneWithinMs))
    if (ended.state === "done") return resource
    throw new Error(`${ended.kind} is ${ended.state}: ${ended.reason}`)
  }
  let made = 0
  const name = () => `bench-${++made}`
  return {
    core,
    who,
    finished,
    close,
    async makeVolume(of) {
      const wish = typeof of === "number" ? { sizeBytes: of } : { snapshotId: of }
      return (await finished(core.volumes.create(asking, { name: name(), ...wish }))).id
    },
    async fill(id, stream) {
      const source = { format: "raw", stream, lengthBytes: null } as const
      await finished(core.volumes.importFrom(asking, id, source))
    },
    async takeSnapshot(id) {
      const wish = { name: name(), source: { kind: "volume", id } } as const
      return (await finished(core.snapshots.create(asking, wish))).id
    },
    async startMachine(volumeIds) {
      const lengthBytes = emptyDisk.length
      const source = { format: "raw", stream: Readable.from([emptyDisk]), lengthBytes } as const
      const image = { name: name(), format: "raw", source } as const
      const { id: imageId } = await finished(core.images.importFrom(asking, image))
      return (await finished(core.machines.create(asking, { name: name(), imageId, volumeIds }))).id
    },
    async idle() {
      const listing = { unendedOnly: true, allAccounts: true, limit: 1 }
      const isBusy = async () => must(await core.operations.list(who, listing)).length > 0
      // It looks for upkeep by itself too, in its own time.
      do {
        while (await isBusy()) await sleep(askEveryMs)
        await service.upkeep()
      } while (await isBusy())
    },
  }
}

const emptyDisk = Buffer.alloc(2 ** 20)

async function open(dataDir: string, engine: EngineName, { host, upkeep }: ServiceParts) {
  await mkdir(dataDir, { recursive: true })
  await openStateDirectory(dataDir)
  const user = await serviceUser("tintype")
  const token = await adminToken(dataDir, () => "bench")
  const limits = upkeep === undefined ? {} : { upkeep }
  const houses: Record<string, EngineHouse> = {
    [engine]: await openEngine[engine]({ dataDir, user, ...limits }),
  }
  const service = await openService({
    dataDir,
    ledger: await ledgers.sqlite(join(dataDir, "ledger.db")),
    engines: houses,
    engineName: engine,
    hosts: [host ?? (await hostKinds.memory({ dataDir, user }))],
    adminToken: token,
    limits: { holdMs: 30_000, bootMs: 60_000, powerOffMs: 60_000, recoveryMs: 0, failedMs: 60_000 },
    capacity: {
      fileSystem: fileSystemOf(dataDir),
      lowWater: null,
      quota: { account: {}, source: {} },
    },
    log: openLog("error"),
    version,
  })
  return { service, token }
}

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(explain(result.fault))
  return result.value
}
