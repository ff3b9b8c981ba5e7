/**
 * The server's own program: `serve`, and `doctor` where no server runs. The only place that knows
 * everyone, and everyone through their registries.
 */
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Config, listeners, readConfig } from "./config.ts"
import { newSecret } from "./core/secrets.ts"
import { explain, Refusal } from "./domain/fault.ts"
import { engines as engineKinds } from "./engines/registry.ts"
import type { Face } from "./faces/face.ts"
import { faces } from "./faces/registry.ts"
import type { FaceSettings } from "./faces/settings.ts"
import { hostKinds } from "./hosts/registry.ts"
import { openLog } from "./http/log.ts"
import { type Listener, serveFace } from "./http/serve.ts"
import { ledgers } from "./ledger/registry.ts"
import { fileSystemOf } from "./platform/file-system.ts"
import { lockStateDirectory, runningServer, type StateLock } from "./platform/state-lock.ts"
import { startResting } from "./rest.ts"
import { openService } from "./service.ts"
import { adminToken, openStateDirectory, serviceUser } from "./state-directory.ts"
import { version } from "./version.ts"

type Log = ReturnType<typeof openLog>
type Service = Awaited<ReturnType<typeof openService>>

/** Stopping does not wait for operations longer than this; the next start goes on with them. */
const stopGraceMs = 5_000

async function serve(config: Config): Promise<void> {
  const log = openLog(config.logLevel === "fatal" ? "error" : config.logLevel)
  await openStateDirectory(config.dataDir)
  const lock = await lockStateDirectory(config.dataDir)
  const service = await openFrom(config, log)
  const open = await openFaces(config, service, log)
  await lock.announce(Object.fromEntries(open.map(([name, { url }]) => [name, url])))
  for (const [name, { url }] of open) process.stderr.write(`tintype: ${name} at ${url}\n`)
  process.stderr.write(`tintype: ready, state in ${config.dataDir}\n`)
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, "stopping; machines go on running")
    stopAll(open, service, lock)
      .then(() => process.exit(0))
      .catch((cause) => {
        log.error({ cause }, "stopping failed")
        process.exit(1)
      })
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
}

async function openFrom(config: Config, log: Log): Promise<Service> {
  const { dataDir } = config
  const { lowWater } = config.limits
  const user = await serviceUser(config.user)
  const ledger = await ledgers.sqlite(join(dataDir, "ledger.db"))
  return await openService({
    dataDir,
    ledger,
    engines: { qcow2: await engineKinds.qcow2({ dataDir, user, upkeep: config.upkeep }) },
    engineName: "qcow2",
    hosts: [await hostKinds.vm({ dataDir, user })],
    adminToken: await adminToken(dataDir, newSecret),
    limits: config.limits,
    capacity: { fileSystem: fileSystemOf(dataDir), lowWater, quota: config.quota },
    log,
    version,
  })
}

async function openFaces(config: Config, service: Service, log: Log) {
  const rest = startResting()
  const tls =
    config.tls === null
      ? {}
      : {
          tls: {
            cert: await readFile(config.tls.certFile, "utf8"),
            key: await readFile(config.tls.keyFile, "utf8"),
          },
        }
  const open: [string, Listener][] = []
  for (const [name, make] of Object.entries<(settings: FaceSettings) => Face>(faces)) {
    const port = config.ports[listeners.find((each) => each === name) ?? "native"]
    const listener = serveFace(make(config.faces), service.core, {
      host: config.listen,
      port,
      log,
      ...tls,
      metrics({ method, status }) {
        service.metrics.answered(name, method, status)
        rest.worked()
      },
    })
    open.push([name, await listener.catch(inWords(name, config.listen, port))])
  }
  return open
}

const inWords =
  (face: string, host: string, port: number) =>
  (cause: NodeJS.ErrnoException): never => {
    if (cause.code !== "EADDRINUSE") throw cause
    throw new Refusal({
      kind: "unavailable",
      what: `port ${port} at ${host}, where ${face} listens,`,
      remedy: `another program has it; stop that one, or choose another port with TINTYPE_PORT_${face.toUpperCase()}`,
    })
  }

/** Doors first, then work; machines, their QEMU and their guests are not ours to stop. */
async function stopAll(open: [string, Listener][], service: Service, lock: StateLock) {
  await Promise.all(open.map(([, listener]) => listener.close()))
  await service.close(stopGraceMs)
  await lock.release()
}

const doctorFlags = {
  fix: { type: "boolean" },
  rebuild: { type: "boolean" },
  output: { type: "string", short: "o" },
  url: { type: "string" },
  data: { type: "string" },
  config: { type: "string" },
} as const

/** Asks the server if one runs, here or where it was told; else looks itself. */
async function doctor(config: Config, argv: string[]): Promise<number> {
  const { values } = parseArgs({ args: argv, options: doctorFlags, strict: false })
  const elsewhere = values.url !== undefined || (process.env["TINTYPE_URL"] ?? "") !== ""
  // What is not understood here is told, or explained, by the command line.
  const isPlain = Object.keys(values).every((name) => Object.hasOwn(doctorFlags, name))
  if (elsewhere || !isPlain || (await runningServer(config.dataDir)) !== undefined) {
    await import("./cli/tintype.ts")
    return Number(process.exitCode ?? 0)
  }
  const { nothingThere, runDoctor } = await import("./doctor.ts")
  // A name that was mistyped must not become a directory that nothing is wrong with.
  if (!existsSync(config.dataDir)) return nothingThere(config.dataDir, values.output === "json")
  await openStateDirectory(config.dataDir)
  const lock = await lockStateDirectory(config.dataDir)
  try {
    if (values.rebuild === true) await rebuild(config)
    const service = await openFrom(config, openLog("error"))
    const who = await service.core.identity.byToken(await adminToken(config.dataDir, newSecret))
    if (!who.ok) throw new Refusal(who.fault)
    const flags = { fix: values.fix === true, json: values.output === "json" }
    return await runDoctor(service, who.value, flags)
  } finally {
    await lock.release()
  }
}

async function rebuild(config: Config): Promise<void> {
  const { dataDir } = config
  const { rebuildLedger } = await import("./rebuild.ts")
  const ledgerFile = join(dataDir, "ledger.db")
  const user = await serviceUser(config.user)
  await rebuildLedger({
    ledgerFile,
    open: () => ledgers.sqlite(ledgerFile),
    engineName: "qcow2",
    engine: await engineKinds.qcow2({ dataDir, user }),
    adminToken: await adminToken(dataDir, newSecret),
    say: (words) => process.stderr.write(`tintype: ${words}\n`),
  })
}

async function main(): Promise<number | undefined> {
  const [command = "", ...argv] = process.argv.slice(2)
  // All that is imported is compiled by now, and kept for the server that the launcher starts next.
  if (command === "compile") return 0
  const { data: dataFlag, config: configFlag } = doctorFlags
  const help = { type: "boolean", short: "h" } as const
  const options = { data: dataFlag, config: configFlag, help }
  const strict = command === "serve"
  const { values } = parseArgs({ args: argv, options, strict, allowPositionals: !strict })
  if (strict && values.help === true) {
    process.stdout.write(usage)
    return 0
  }
  const text = (value: unknown) => (typeof value === "string" ? value : undefined)
  const [data, file] = [text(values.data), text(values.config)]
  const config = readConfig(process.env, {
    ...(data === undefined ? {} : { data }),
    ...(file === undefined ? {} : { config: file }),
  })
  switch (command) {
    case "serve":
      await serve(config)
      return undefined
    case "doctor":
      return await doctor(config, argv)
    default:
      throw new Refusal({ kind: "invalid", why: `no command ${command}; see tintype --help` })
  }
}

const usage = `Usage: tintype serve [--data DIR] [--config FILE]

Runs the server until SIGTERM or Ctrl-C; machines go on running without it.

  --data DIR      state directory (TINTYPE_DATA; default /var/lib/tintype as root)
  --config FILE   settings (TINTYPE_CONFIG; default tintype.toml in the state directory)

Environment: TINTYPE_LISTEN, TINTYPE_PORT_NATIVE|CLOUDAPI|IAAS|HOSTWAY|OPENSTACK
`

/** What `parseArgs` says of flags it does not know. */
function isUsage(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && /^ERR_PARSE_ARGS/.test(String(cause.code))
}

const wordsOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** What the operating system refuses is told in its words; the rest is a bug, and told at length. */
const isSystem = (cause: unknown) => cause instanceof Error && "syscall" in cause

try {
  const code = await main()
  if (code !== undefined) process.exit(code)
} catch (cause) {
  const known = cause instanceof Refusal || isUsage(cause) || isSystem(cause)
  process.stderr.write(
    `tintype: ${cause instanceof Refusal ? explain(cause.fault) : wordsOf(cause)}\n`,
  )
  if (!known && cause instanceof Error) process.stderr.write(`${cause.stack}\n`)
  const isUsers = isUsage(cause) || (cause instanceof Refusal && cause.fault.kind === "invalid")
  process.exit(isUsers ? 2 : 1)
}
