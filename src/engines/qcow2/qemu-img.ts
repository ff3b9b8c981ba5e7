/**
 * `qemu-img`, run as the unprivileged user inside limits. Images are named by the options of a
 * block node (`json:`), so that no format is guessed and no name is followed.
 */
import { Refusal } from "../../domain/fault.ts"
import { CommandFailed, run } from "../../platform/command.ts"
import { errorCode } from "../../platform/files.ts"
import type { Watch } from "../engine.ts"
import { type House, spoolName } from "./store.ts"

/** Where it runs, and as whom. */
type Cage = Pick<House, "dataDir" | "user">

/** A file in the spool, taken as qcow2 whatever it says, standing on nothing. */
export const spooledQcow2 = (name: string): Record<string, unknown> => ({
  driver: "qcow2",
  backing: null,
  file: { driver: "file", filename: `${spoolName}/${name}` },
})

const node = (options: Record<string, unknown>) => `json:${JSON.stringify(options)}`

// Far above what an honest image needs; a dishonest one must not eat the machine. What is bounded
// is address space: `qemu-img` may have 64 threads, each with a stack of 8 MiB.
const probeMemoryBytes = 2 * 2 ** 30
const probeCpuSeconds = 60
const probeWithinMs = 120_000
/** A copy may take long; one slower than this on average has hung. */
const slowestBytesPerMs = 100
const copyMemoryBytes = 4 * 2 ** 30
/** glibc sets 64 MiB of address space aside for each thread that allocates, unless they share. */
const oneArena = { MALLOC_ARENA_MAX: "1" }

/** What `qemu-img info` tells of an image that our own reading has let pass. */
export async function info(house: Cage, name: string): Promise<unknown> {
  return JSON.parse(
    await probe(house, ["info", "--output=json", "-f", "qcow2", `${spoolName}/${name}`]),
  )
}

/** Every cluster's reference is followed; one outside the file is a corruption. */
export async function check(house: Cage, name: string): Promise<void> {
  try {
    await probe(house, ["check", "--output=json", "-f", "qcow2", `${spoolName}/${name}`])
  } catch (cause) {
    // 3: only leaked clusters, which do nobody harm (qemu-img(1)).
    if (cause instanceof CommandFailed && cause.exitCode === 3) return
    throw cause
  }
}

function probe(house: Cage, args: readonly string[]): Promise<string> {
  return qemuImg(house, args, {
    limits: [`--as=${probeMemoryBytes}`, `--cpu=${probeCpuSeconds}`],
    timeoutMs: probeWithinMs,
  })
}

/** Copies a spooled image into a served disk, which must be all zeros. */
export async function copyIn(
  house: House,
  image: { name: string; sizeBytes: number },
  target: Record<string, unknown>,
  watch: Watch,
): Promise<void> {
  const onto = ["-n", "--target-is-zero", "-W", "-m", "8", "--target-image-opts"]
  const source = node(spooledQcow2(image.name))
  await copy(house, [...onto, source, dotted(target)], image.sizeBytes, watch)
}

/** Copies a served disk into a compact file in the spool, which is there already, empty. */
export async function copyOut(
  house: House,
  source: { node: Record<string, unknown>; sizeBytes: number },
  name: string,
  watch: Watch,
): Promise<void> {
  const args = ["-m", "8", "-O", "qcow2", node(source.node), `${spoolName}/${name}`]
  await copy(house, args, source.sizeBytes, watch)
}

async function copy(house: House, args: readonly string[], sizeBytes: number, watch: Watch) {
  await qemuImg(house, ["convert", "-p", ...args], {
    limits: [`--as=${copyMemoryBytes}`],
    timeoutMs: probeWithinMs + Math.ceil(sizeBytes / slowestBytesPerMs),
    signal: watch.signal,
    onStdout(text) {
      const percent = text
        .match(/\((\d+\.\d+)\/100%\)/g)
        ?.at(-1)
        ?.slice(1, -6)
      if (percent !== undefined) {
        watch.progress(Math.round((Number(percent) / 100) * sizeBytes), sizeBytes)
      }
    },
  })
}

type Bounds = {
  limits: readonly string[]
  timeoutMs: number
  signal?: AbortSignal
  onStdout?(text: string): void
}

async function qemuImg(house: Cage, args: readonly string[], bounds: Bounds): Promise<string> {
  const { limits, ...options } = bounds
  try {
    return await run(["prlimit", ...limits, "qemu-img", ...args], {
      cwd: house.dataDir,
      user: house.user,
      env: oneArena,
      ...options,
    })
  } catch (cause) {
    bounds.signal?.throwIfAborted()
    const missing = cause instanceof CommandFailed && /failed to execute/.test(cause.stderr)
    if (!missing && errorCode(cause) !== "ENOENT") throw cause
    const remedy = "install it (Debian: qemu-utils and util-linux)"
    throw new Refusal({ kind: "unavailable", what: "qemu-img", remedy })
  }
}

/** `{a: {b: "c"}}` as `a.b=c`, the form in which a target's options are given. */
function dotted(options: Record<string, unknown>, prefix = ""): string {
  return Object.entries(options)
    .map(([key, value]) =>
      typeof value === "object" && value !== null
        ? dotted(value as Record<string, unknown>, `${prefix}${key}.`)
        : `${prefix}${key}=${value}`,
    )
    .join(",")
}
