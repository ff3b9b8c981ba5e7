/** The service in our own process, with an engine of our choice and no doors. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { Asking, Core, Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { explain, type Result } from "../../src/domain/fault.ts"
import type { SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import type { EngineHouse } from "../../src/engines/engine.ts"
import { hostKinds } from "../../src/hosts/registry.ts"
import { openLog } from "../../src/http/log.ts"
import { ledgers } from "../../src/ledger/registry.ts"
import { openService } from "../../src/service.ts"
import { adminToken, openStateDirectory, serviceUser } from "../../src/state-directory.ts"
import { version } from "../../src/version.ts"
import type { Stand } from "../benchmark.ts"
import { type EngineName, openEngine } from "../contenders.ts"

export interface Service {
  readonly core: Core
  readonly who: Principal
  makeVolume(sizeBytes: number): Promise<VolumeId>
  /** Resolves when it is ready. */
  takeSnapshot(volume: VolumeId): Promise<SnapshotId>
  close(): Promise<void>
}

/** The state directory may have been opened before; a later one in this process may open it again. */
export async function openBareService(
  dataDir: string,
  engine: EngineName,
  { after }: Stand,
): Promise<Service> {
  const { service, token } = await open(dataDir, engine)
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
    const ended = must(await core.operations.wait(who, operation.id, 60_000))
    if (ended.state === "done") return resource
    throw new Error(`${ended.kind} is ${ended.state}: ${ended.reason}`)
  }
  let made = 0
  const name = () => `bench-${++made}`
  return {
    core,
    who,
    close,
    async makeVolume(sizeBytes) {
      return (await finished(core.volumes.create(asking, { name: name(), sizeBytes }))).id
    },
    async takeSnapshot(id) {
      const wish = { name: name(), source: { kind: "volume", id } } as const
      return (await finished(core.snapshots.create(asking, wish))).id
    },
  }
}

async function open(dataDir: string, engine: EngineName) {
  await mkdir(dataDir, { recursive: true })
  await openStateDirectory(dataDir)
  const user = await serviceUser("tintype")
  const token = await adminToken(dataDir, () => "bench")
  const houses: Record<string, EngineHouse> = {
    [engine]: await openEngine[engine]({ dataDir, user }),
  }
  const service = await openService({
    dataDir,
    ledger: await ledgers.sqlite(join(dataDir, "ledger.db")),
    engines: houses,
    engineName: engine,
    hosts: [await hostKinds.memory({ dataDir, user })],
    adminToken: token,
    limits: { bootMs: 60_000, powerOffMs: 60_000, recoveryMs: 0, failedMs: 60_000 },
    log: openLog("error"),
    version,
  })
  return { service, token }
}

export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(explain(result.fault))
  return result.value
}
