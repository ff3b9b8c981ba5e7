/**
 * Where the server is and who we are to it. Flags win over the environment, the environment over
 * what a server on this machine left in its state directory: `server.json` says where it listens,
 * `admin-token` is the administrator's, readable to whoever runs the server.
 */
import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { Failure } from "./failure.ts"

/** Without a token the server is asked all the same: it may not even be running. */
export type Server = { url: URL; token: string } | { url: URL; tokenless: string }
export type ConnectionFlags = { url?: string; token?: string }
export type Environment = Record<string, string | undefined>

export function findServer(flags: ConnectionFlags, env: Environment): Server {
  const dataDir = stateDirectory(env)
  return { url: serverUrl(flags, env, dataDir), ...findToken(flags, env, dataDir) }
}

/** `TINTYPE_DATA`; else `/var/lib/tintype` for root and the XDG state directory for others. */
export function stateDirectory(env: Environment): string {
  if (env["TINTYPE_DATA"]) return env["TINTYPE_DATA"]
  if (process.getuid?.() === 0) return "/var/lib/tintype"
  return join(env["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "tintype")
}

function serverUrl(flags: ConnectionFlags, env: Environment, dataDir: string): URL {
  const port = env["TINTYPE_PORT_NATIVE"]
  const text =
    flags.url ||
    env["TINTYPE_URL"] ||
    // Port 0 means "any free one": only the server knows which it got.
    (port && port !== "0" ? `http://127.0.0.1:${port}` : undefined) ||
    announcedUrl(dataDir) ||
    "http://127.0.0.1:8400"
  const url = URL.parse(text)
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new Failure("usage", `${text} is not an http or https URL`)
  }
  return url
}

/** Without URLs as long as the server does not listen yet. */
type Announced = { pid?: unknown; urls?: Record<string, unknown> }

export function announced(dataDir: string): Announced {
  try {
    return JSON.parse(readFileSync(join(dataDir, "server.json"), "utf8")) ?? {}
  } catch {
    return {}
  }
}

function announcedUrl(dataDir: string): string | undefined {
  const url = announced(dataDir).urls?.["native"]
  return typeof url === "string" ? url : undefined
}

function findToken(
  flags: ConnectionFlags,
  env: Environment,
  dataDir: string,
): { token: string } | { tokenless: string } {
  const given = flags.token || env["TINTYPE_TOKEN"]
  if (given) return { token: given }
  const file = join(dataDir, "admin-token")
  try {
    return { token: readFileSync(file, "utf8").trim() }
  } catch (cause) {
    const denied = (cause as NodeJS.ErrnoException).code === "EACCES"
    const why = denied ? `${file} may not be read by this user` : `there is no ${file}`
    const todo = "set TINTYPE_TOKEN, or TINTYPE_DATA to the server's state directory"
    return { tokenless: `no token: ${todo} (${why})` }
  }
}
