/**
 * A guest that writes to a disk without end, 4 KiB at a time, past its page cache and with an
 * fsync after each; it prints a dot on its console when a write is done. What is heard on the host
 * between two dots is one write, and the start of the program that does it.
 */
import { once } from "node:events"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Server } from "./server.ts"

export interface GuestWrites {
  /** How long each write took while `work` went on. */
  during(work: () => Promise<unknown>): Promise<number[]>
  /** The guest falls silent. */
  close(): Promise<void>
}

export type Region = { device: string; firstMiB: number; sizeMiB: number }

/** The guest goes on while it has this file. */
const flag = "/.writes"
const settleMs = 500

export async function openGuestWrites(
  server: Server,
  machine: string,
  { device, firstMiB, sizeMiB }: Region,
): Promise<GuestWrites> {
  const place = `$((${firstMiB * 256} + RANDOM % ${sizeMiB * 256}))`
  const write = `dd if=/bin/busybox of=${device} bs=4k count=1 seek=${place}`
  const flags = "oflag=direct conv=notrunc,fsync"
  const loop = `while [ -e ${flag} ]; do ${write} ${flags} 2>/dev/null && echo . >/dev/ttyS0; done`
  await inGuest(server, machine, `: >${flag}; (${loop}) >/dev/null 2>&1 &`)
  const socket = connect(join(server.dataDir, "run", machine, "console.sock"))
  await once(socket, "connect")
  let times: number[] = []
  let lastMs = performance.now()
  const note = () => {
    const nowMs = performance.now()
    times.push(nowMs - lastMs)
    lastMs = nowMs
  }
  socket.on("data", (heard: Buffer) => {
    if (heard.includes(".")) note()
  })
  await once(socket, "data")
  await sleep(settleMs)
  return {
    async during(work) {
      note()
      times = []
      await work()
      // A write that goes on is one, too.
      note()
      return times
    },
    async close() {
      await inGuest(server, machine, `rm -f ${flag}`)
      socket.destroy()
    },
  }
}

/** Throws with what the guest said when the script fails there. */
export async function inGuest({ api }: Server, machine: string, script: string): Promise<string> {
  type Result = { exitCode: number; stdout: string; stderr: string }
  const path = `/api/machines/${machine}/exec`
  const body = { argv: ["sh", "-c", script] }
  const { exitCode, stdout, stderr } = await api.ask<Result>("POST", path, body)
  if (exitCode !== 0) throw new Error(`the guest's ${script}: ${stderr}`)
  return stdout
}
