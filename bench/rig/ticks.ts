/**
 * A guest that prints without end on its serial console, heard on the host: when its processor or
 * its device model is held still, so are the ticks.
 */
import { once } from "node:events"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Server } from "./server.ts"

export interface Ticks {
  /** The longest silence in one window; `work` begins a while after the window does. */
  worstGapMs(work?: () => Promise<unknown>): Promise<number>
  /** The guest falls silent. */
  close(): Promise<void>
}

const windowMs = 300
const settleMs = 500
/** The guest goes on while it has this file. */
const flag = "/.ticks"

export async function openTicks(server: Server, machine: string): Promise<Ticks> {
  const shell = (script: string) =>
    server.api.ask("POST", `/api/machines/${machine}/exec`, { argv: ["sh", "-c", script] })
  const loop = `while [ -e ${flag} ]; do echo; done >/dev/ttyS0`
  await shell(`: >${flag}; (${loop}) >/dev/null 2>&1 &`)
  const socket = connect(join(server.dataDir, "run", machine, "console.sock"))
  await once(socket, "connect")
  let lastMs = 0
  let worstMs = 0
  const note = () => {
    const nowMs = performance.now()
    worstMs = Math.max(worstMs, nowMs - lastMs)
    lastMs = nowMs
  }
  socket.on("data", note)
  await once(socket, "data")
  await sleep(settleMs)
  return {
    async worstGapMs(work) {
      note()
      worstMs = 0
      await sleep(windowMs / 2)
      await work?.()
      await sleep(windowMs / 2)
      // A silence that goes on is one, too.
      note()
      return worstMs
    },
    async close() {
      await shell(`rm ${flag}`)
      socket.destroy()
    },
  }
}
