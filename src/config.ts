/**
 * What the service is told: by flags, by the environment, by a TOML file, in that order; the rest
 * is as given here. Whatever cannot be understood is refused with the name of the setting, before
 * anything is opened.
 */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { parse, TomlError } from "smol-toml"
import { z } from "zod"
import { accountQuota, day, duration, size, sizeOrShare, sourceQuota } from "./amounts.ts"
import type { ServiceQuota } from "./core/allowances.ts"
import type { LowWater } from "./core/capacity.ts"
import { Refusal } from "./domain/fault.ts"
import type { UpkeepLimits } from "./engines/engine.ts"
import { faceSettings, faceTables } from "./face-settings.ts"
import type { FaceSettings } from "./faces/settings.ts"

export const listeners = ["native", "cloudapi", "iaas", "hostway", "openstack"] as const
export type ListenerName = (typeof listeners)[number]

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const
export type LogLevel = (typeof logLevels)[number]

export type Config = {
  dataDir: string
  /** An IP address, or `localhost`. */
  listen: string
  /** 0 is any free port. */
  ports: Record<ListenerName, number>
  logLevel: LogLevel
  /** The user that machines' processes run as; null: whoever runs the service. */
  user: string | null
  tls: { certFile: string; keyFile: string } | null
  /** Secrets may cross a network unencrypted. */
  insecureBeyondLoopback: boolean
  limits: {
    bootMs: number
    powerOffMs: number
    /** How long a guest may be held still for a snapshot before it is let go, come what may. */
    holdMs: number
    /** How long a revert's recovery snapshot is kept; 0: none is made. */
    recoveryMs: number
    /** How long a failed thing stays on record. */
    failedMs: number
    /** Below so much free space no new work is begun; null: the service's own choice. */
    lowWater: LowWater | null
  }
  /** For each account without a quota of its own, and for each machine or volume. */
  quota: ServiceQuota
  /** How hard engines work on their own storage; the engine chooses what is not given. */
  upkeep: UpkeepLimits
  faces: FaceSettings
}

export type ConfigFlags = { config?: string; data?: string }

/** Where it is read: the parts of the machine that a test replaces. */
export type Surroundings = {
  uid: number
  home: string
  cwd: string
  /** Throws as `fs.readFileSync` does. */
  readFile(path: string): string
}

/** Throws `invalid`, naming the setting and where it was made. */
export function readConfig(
  env: Record<string, string | undefined>,
  flags: ConfigFlags = {},
  around: Surroundings = here(),
): Config {
  const told = fromEnvironment(env)
  const data = flags.data ?? told.data
  const dataDir = resolve(around.cwd, data ?? defaultDataDir(env, around))
  const asked = flags.config ?? present(env["TINTYPE_CONFIG"])
  const file = asked === undefined ? join(dataDir, "tintype.toml") : resolve(around.cwd, asked)
  const text = readText(file, asked !== undefined, around)
  const written = text === undefined ? {} : fromFile(text, file)
  const config: Config = {
    dataDir: data === undefined ? resolve(dirname(file), written.data ?? dataDir) : dataDir,
    listen: told.listen ?? written.listen ?? "127.0.0.1",
    ports: { ...defaultPorts, ...written.ports, ...told.ports },
    logLevel: told.log ?? written.log ?? "info",
    user: written.user === undefined ? "tintype" : written.user || null,
    tls: written.tls === undefined ? null : besideFile(written.tls, file),
    insecureBeyondLoopback: written.insecureBeyondLoopback ?? false,
    limits: {
      bootMs: written.limits?.boot ?? 120 * second,
      powerOffMs: written.limits?.powerOff ?? 60 * second,
      holdMs: written.limits?.hold ?? 30 * second,
      recoveryMs: written.limits?.recovery ?? 7 * day,
      failedMs: written.limits?.failed ?? 7 * day,
      lowWater: written.limits?.lowWater ?? null,
    },
    upkeep: {
      ...(written.upkeep?.softDepth && { softDepth: written.upkeep.softDepth }),
      ...(written.upkeep?.hardDepth && { hardDepth: written.upkeep.hardDepth }),
      ...(written.upkeep?.rate && { bytesPerSecond: written.upkeep.rate }),
    },
    quota: { account: written.quota?.account ?? {}, source: written.quota?.source ?? {} },
    faces: faceSettings(written),
  }
  checkPorts(config)
  checkExposure(config)
  return config
}

const second = 1000

const defaultPorts: Record<ListenerName, number> = {
  native: 8400,
  cloudapi: 8401,
  iaas: 8402,
  hostway: 8403,
  openstack: 8776,
}

const port = z.int().min(0).max(65_535)
const listen = z.union([z.ipv4(), z.ipv6(), z.literal("localhost")], "an IP address or localhost")
const logLevel = z.enum(logLevels)

const depth = z.int().min(2).max(1000)

const File = z.strictObject({
  data: z.string().min(1).optional(),
  listen: listen.optional(),
  log: logLevel.optional(),
  /** Empty: machines run as whoever runs the service. */
  user: z
    .string()
    .regex(/^([a-z_][a-z0-9_-]{0,31})?$/, "the name of a user")
    .optional(),
  insecureBeyondLoopback: z.boolean().optional(),
  ports: z.partialRecord(z.enum(listeners), port).optional(),
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) }).optional(),
  limits: z
    .strictObject({
      boot: duration,
      powerOff: duration,
      hold: duration,
      recovery: duration,
      failed: duration,
      lowWater: sizeOrShare,
    })
    .partial()
    .optional(),
  /** `rate` is bytes a second. */
  upkeep: z.strictObject({ softDepth: depth, hardDepth: depth, rate: size }).partial().optional(),
  quota: z.strictObject({ account: accountQuota, source: sourceQuota }).partial().optional(),
  ...faceTables,
})

function fromFile(text: string, file: string): z.infer<typeof File> {
  try {
    return File.parse(parse(text))
  } catch (cause) {
    if (cause instanceof TomlError) {
      const [what] = cause.message.split("\n")
      throw invalid(file, `line ${cause.line}, column ${cause.column}: ${what}`)
    }
    if (cause instanceof z.ZodError) throw invalid(file, cause.issues.map(explainIssue).join("; "))
    throw cause
  }
}

function explainIssue(issue: z.core.$ZodIssue): string {
  const place = issue.path.join(".")
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.map((key) => [...issue.path, key].join("."))
    return `there is no setting ${keys.join(", ")}`
  }
  if (issue.code === "invalid_key") return `there is no setting ${place}`
  return `${place}: ${issue.message}`
}

function fromEnvironment(env: Record<string, string | undefined>) {
  const read = <T>(name: string, shape: z.ZodType<T>, cast: (text: string) => unknown = String) => {
    const text = present(env[name])
    if (text === undefined) return undefined
    const parsed = shape.safeParse(cast(text))
    if (parsed.success) return parsed.data
    throw invalid(name, parsed.error.issues.map((issue) => issue.message).join("; "))
  }
  const ports: Partial<Record<ListenerName, number>> = {}
  for (const name of listeners) {
    const found = read(`TINTYPE_PORT_${name.toUpperCase()}`, port, Number)
    if (found !== undefined) ports[name] = found
  }
  return {
    data: present(env["TINTYPE_DATA"]),
    listen: read("TINTYPE_LISTEN", listen),
    log: read("TINTYPE_LOG", logLevel),
    ports,
  }
}

/** A variable that is set to nothing is not set. */
const present = (text: string | undefined) => (text === "" ? undefined : text)

/** As root where services keep their state, else where the XDG specification puts a user's. */
function defaultDataDir(env: Record<string, string | undefined>, around: Surroundings): string {
  if (around.uid === 0) return "/var/lib/tintype"
  const state = env["XDG_STATE_HOME"] ?? ""
  return join(isAbsolute(state) ? state : join(around.home, ".local", "state"), "tintype")
}

function readText(file: string, asked: boolean, around: Surroundings): string | undefined {
  try {
    return around.readFile(file)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === "ENOENT" && !asked) return undefined
    throw invalid(file, `it cannot be read (${code ?? String(cause)})`)
  }
}

function besideFile(tls: { certFile: string; keyFile: string }, file: string) {
  const from = dirname(file)
  return { certFile: resolve(from, tls.certFile), keyFile: resolve(from, tls.keyFile) }
}

function checkPorts({ ports }: Config): void {
  const fixed = listeners.filter((name) => ports[name] !== 0)
  for (const name of fixed) {
    const other = fixed.find((each) => each !== name && ports[each] === ports[name])
    if (other !== undefined) {
      throw invalid("ports", `${name} and ${other} cannot both be ${ports[name]}`)
    }
  }
}

function checkExposure(config: Config): void {
  const loopback = /^127\.|^::1$|^localhost$/.test(config.listen)
  if (loopback || config.tls !== null || config.insecureBeyondLoopback) return
  throw invalid(
    "listen",
    `${config.listen} can be reached from elsewhere, and passwords would cross the network in ` +
      "clear; give [tls] certFile and keyFile, or set insecureBeyondLoopback = true",
  )
}

const invalid = (field: string, why: string) => new Refusal({ kind: "invalid", field, why })

const here = (): Surroundings => ({
  uid: process.getuid?.() ?? -1,
  home: homedir(),
  cwd: process.cwd(),
  readFile: (path) => readFileSync(path, "utf8"),
})
