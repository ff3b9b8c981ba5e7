/**
 * Giving QEMU an open file, by a program that can (`hand-over.py` says why), before the guest is
 * touched: a name for it then waits in the machine's second monitor.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import { CommandFailed, run } from "../../platform/command.ts"
import { errorCode } from "../../platform/files.ts"
import { openQmp, type Qmp, QmpError } from "../../platform/qmp.ts"
import { placesOf } from "./layout.ts"

const program = fileURLToPath(new URL("hand-over.py", import.meta.url))
const handedOverWithinMs = 10_000
const connectWithinMs = 5_000
const name = "memory"

/** What a migration is told to write to; only by the monitor that has the descriptor. */
export const handedOver = `fd:${name}`

/** `place` is relative to the data directory. Resolves with that monitor; close it. */
export async function handOver(dataDir: string, machine: MachineId, place: string): Promise<Qmp> {
  const { memory: socket } = placesOf(machine)
  // In the data directory the socket's path is short enough for its address, however deep it lies.
  const options = { cwd: dataDir, timeoutMs: handedOverWithinMs }
  const argv = ["python3", "-IS", program, socket, place, name] as const
  const answer = await run(argv, options).catch((cause: unknown) => {
    if (errorCode(cause) === "ENOENT") throw noPython()
    if (!(cause instanceof CommandFailed)) throw cause
    return cause.stderr
  })
  if (!answer.startsWith('{"return"')) throw notTaken(machine, answer)
  return openQmp(join(dataDir, socket), { connectWithinMs })
}

/** What no migration has taken is closed. */
export async function takeBack(dataDir: string, machine: MachineId): Promise<void> {
  const qmp = await openQmp(join(dataDir, placesOf(machine).memory), { connectWithinMs })
  try {
    await qmp.execute("closefd", { fdname: name })
  } catch (cause) {
    if (!(cause instanceof QmpError)) throw cause
  } finally {
    qmp.close()
  }
}

/** `words`: QEMU's answer, or where the program failed, on the last line. */
function notTaken(machine: MachineId, words: string): Refusal {
  const said = words.trim().split("\n").at(-1) || "it did not answer"
  const remedy = `its QEMU took no file to write it to (${said}): stop and start the machine`
  return new Refusal({ kind: "unavailable", what: `the memory of machine ${machine}`, remedy })
}

const noPython = () =>
  new Refusal({
    kind: "unavailable",
    what: "python3",
    remedy: "install it: apt-get install --no-install-recommends python3-minimal",
  })
