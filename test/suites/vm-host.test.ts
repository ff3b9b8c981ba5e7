/** What only machines in QEMU promise, on real ones. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { MachineId } from "../../src/domain/ids.ts"
import type { Hardware } from "../../src/domain/machine.ts"
import type { ExecOptions, StartOrder } from "../../src/hosts/host.ts"
import { bootMs } from "../../src/hosts/host-rig.suite.ts"
import { acceleratorOf } from "../../src/hosts/vm/accelerator.ts"
import { Agent } from "../../src/hosts/vm/agent.ts"
import { type VmRig, vmRig, vmRigIn } from "../fixtures/host-rigs.ts"

const exec: ExecOptions = { waitForAgentMs: bootMs, timeoutMs: bootMs, maxOutputBytes: 65_536 }

describe("a machine in QEMU", () => {
  let rig: VmRig
  let order: StartOrder
  let machine: MachineId
  let pid: number
  let hardware: Hardware
  beforeAll(async () => {
    rig = await vmRig()
    order = await rig.machine()
    machine = order.machine
    const started = await rig.host.start(order)
    pid = started.process.pid
    hardware = started.hardware
    await rig.host.answers(machine, bootMs)
  })
  afterAll(() => rig.end())
  const shell = (script: string, options: Partial<ExecOptions> = {}) =>
    rig.host.exec(machine, ["sh", "-c", script], { ...exec, ...options })

  test("has hardware whose names never change their meaning", () => {
    expect(hardware.machineType).toMatch(/^pc-q35-\d+\.\d+$/)
    expect(hardware.cpuModel).toMatch(/-v\d+$/)
  })

  test("passes a command's output through and ends with its code", async () => {
    const { exitCode, stdout, stderr } = await shell("printf out; printf err >&2; exit 3")
    expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([3, "out", "err"])
  })

  test("hands arguments over as they are", async () => {
    const argv = ["printf", "%s|", "a b", "$HOME", "'", "*", "ü"]
    const { stdout } = await rig.host.exec(machine, argv, exec)
    expect(stdout.toString()).toBe("a b|$HOME|'|*|ü|")
  })

  test("says which signal ended a command, and when its output was cut", async () => {
    expect((await shell("kill -TERM $$")).exitCode).toBe(128 + 15)
    const cut = await shell("printf 123456789", { maxOutputBytes: 4 })
    expect([cut.stdout.toString(), cut.truncated]).toEqual(["1234", true])
    expect((await shell("printf 1234", { maxOutputBytes: 4 })).truncated).toBe(false)
  })

  test("runs commands beside each other", async () => {
    const answers = await Promise.all(
      ["1", "2", "3", "4"].map((n) => shell(`sleep 0.3; echo ${n}`)),
    )
    expect(answers.map(({ stdout }) => stdout.toString())).toEqual(["1\n", "2\n", "3\n", "4\n"])
  })

  test("ends a command at its deadline, also in the guest", async () => {
    await expect(shell("exec sleep 4321", { timeoutMs: 300 })).rejects.toMatchObject({
      fault: { kind: "timeout", afterMs: 300 },
    })
    const left = "ps | grep -q '[s]leep 4321'"
    const { exitCode } = await shell(
      `for i in $(seq 300); do ${left} || exit 0; sleep 0.1; done; exit 1`,
    )
    expect(exitCode).toBe(0)
  })

  test("has the root volume as / with all that a shell expects", async () => {
    const { stdout } = await shell("mount | grep ' / '; ls -d /proc/1 /sys/block /dev/null /tmp/.")
    expect(stdout.toString()).toBe(
      "/dev/vda on / type ext4 (rw,relatime)\n/dev/null\n/proc/1\n/sys/block\n/tmp/.\n",
    )
  })

  test("logs its console", async () => {
    await shell("echo to the console > /dev/console")
    expect((await rig.host.console(machine, 4096)).toString()).toContain("to the console")
  })

  test("runs confined, and its sockets are its user's alone", async () => {
    const status = await readFile(`/proc/${pid}/status`, "utf8")
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1]
    expect(field("NoNewPrivs")).toBe("1")
    expect(field("Seccomp")).toBe("2")
    expect(field("Uid")).toBe(String(rig.user?.uid ?? process.getuid?.()))
    const run = await stat(join(rig.dataDir, "run", machine))
    expect(run.mode & 0o777).toBe(0o700)
    expect(run.uid).toBe(rig.user?.uid ?? process.getuid?.())
  })

  test("shows a disk by its volume's serial number, and makes a file system on it", async () => {
    const graph = await rig.volume()
    await rig.host.attach(machine, 9, graph)
    const serial = graph.volume.replaceAll("-", "").slice(0, 20)
    const script = `for i in $(seq 300); do grep -lx ${serial} /sys/block/*/serial && break; sleep 0.2; done`
    const block = (await shell(script)).stdout.toString().split("/")[3]
    const made = await shell(
      `mkfs.ext4 -q /dev/${block} && mount /dev/${block} /mnt && umount /mnt`,
    )
    expect([made.exitCode, made.stderr.toString()]).toEqual([0, ""])
    await rig.host.detach(machine, 9, graph.volume)
    expect((await shell(`ls /dev/${block}`)).exitCode).toBe(1)
  })

  test("lets go of what an interrupted switch left beside a disk", async () => {
    const graph = await rig.volume()
    await rig.host.attach(machine, 3, graph)
    const to = await rig.overlay(graph)
    const broken = { ...to, actions: [{ type: "blockdev-snapshot", data: { node: "nobody" } }] }
    await expect(rig.host.switchDisks(machine, [broken])).rejects.toThrow()
    expect(await rig.isFree(to.to)).toBe(true)
    await rig.host.switchDisks(machine, [to])
    expect(await rig.host.topNode(machine, graph.volume)).toBe(to.to)
    await rig.host.detach(machine, 3, graph.volume)
  })

  test("refuses slots that no machine has", async () => {
    await expect(rig.host.attach(machine, 16, await rig.volume())).rejects.toMatchObject({
      fault: { kind: "unsupported" },
    })
  })

  test("does not start on a disk that another one has, and says why", async () => {
    const thief = await rig.machine()
    const stolen = { ...thief, disks: order.disks }
    await expect(rig.host.start(stolen)).rejects.toMatchObject({
      fault: { kind: "unavailable", remedy: expect.stringContaining("lock") },
    })
    expect(await rig.host.look(thief.machine)).toBe("gone")
    await rig.host.start(thief)
  })

  test("is nobody's stranger to the doctor", async () => {
    const known = await rig.host.examine([machine])
    expect(known.filter(({ what }) => what.includes(machine))).toEqual([])
    const unknown = await rig.host.examine([])
    const wrong = unknown.filter(
      ({ what, severity }) => what.includes(machine) && severity === "wrong",
    )
    expect(wrong.map(({ what }) => what)).toEqual([
      expect.stringContaining(`process ${pid}`),
      expect.stringContaining(`machines/${machine}`),
    ])
  })
})

describe("a host of the machine's own user, in a directory near the root", () => {
  let rig: VmRig
  afterEach(() => rig.end())

  test("starts, answers, and stops", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "tintype-host-"))
    rig = await vmRigIn(dataDir, null, () => rm(dataDir, { recursive: true }))
    const { machine, ...order } = await rig.machine()
    const { process: started } = await rig.host.start({ machine, ...order })
    expect((await stat(`/proc/${started.pid}`)).uid).toBe(process.getuid?.())
    await rig.host.answers(machine, bootMs)
    await rig.host.stop(machine, bootMs)
    const said = (await rig.host.console(machine, 1024)).toString()
    expect(said).toContain("Power down")
  })

  test("asks the processor once a boot whether it can run machines", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "tintype-host-"))
    rig = await vmRigIn(dataDir, null, () => rm(dataDir, { recursive: true }))
    const accelerator = await acceleratorOf({ dataDir, user: null })()
    expect(["kvm", "tcg"]).toContain(accelerator.name)
    expect(accelerator.note === null).toBe(accelerator.name === "kvm")
    const file = join(dataDir, "machines/accelerator.json")
    const before = await stat(file)
    expect(await acceleratorOf({ dataDir, user: null })()).toEqual(accelerator)
    expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
  })
})

/** A guest that says what it likes on the agent's port. */
describe("an agent that cannot be trusted", () => {
  let server: Server | undefined
  let place: string
  afterEach(async () => {
    server?.close()
    await rm(place, { recursive: true })
  })
  type Ask = { execute: string; arguments: { id?: number } }
  async function agentThat(answer: (ask: Ask) => string | Buffer) {
    place = await mkdtemp(join(tmpdir(), "tintype-agent-"))
    server = createServer((socket) => {
      socket.on("error", () => {})
      socket.on("data", (chunk) => {
        for (const line of chunk.toString("latin1").replaceAll("\xff", "").split("\n")) {
          if (line !== "") socket.write(answer(JSON.parse(line) as Ask))
        }
      })
    })
    await new Promise<void>((resolve) => server?.listen(join(place, "agent.sock"), resolve))
    return new Agent(join(place, "agent.sock"))
  }
  const synchronised = ({ arguments: { id } }: Ask) => `{"return": ${id}}\n`

  test("a late answer is not taken for the next one", async () => {
    const agent = await agentThat((ask) => {
      if (ask.execute === "guest-sync-delimited") return `{"return": "late"}\n${synchronised(ask)}`
      return ask.execute === "guest-info" ? "" : '{"return": 2}\n'
    })
    await expect(agent.call("guest-info", {}, { timeoutMs: 100 })).rejects.toMatchObject({
      fault: { kind: "timeout" },
    })
    expect(await agent.call("guest-ping", {}, { timeoutMs: 60_000 })).toBe(2)
    agent.close()
  })

  test("half a line is forgotten at the mark before a fresh answer", async () => {
    const agent = await agentThat((ask) =>
      ask.execute === "guest-sync-delimited"
        ? Buffer.concat([
            Buffer.from('{"return": "ha'),
            Buffer.from([0xff]),
            Buffer.from(synchronised(ask)),
          ])
        : '{"return": {}}\n',
    )
    expect(await agent.call("guest-ping", {}, { timeoutMs: 60_000 })).toEqual({})
    agent.close()
  })

  test("nonsense, and a line without end, end the call", async () => {
    const nonsense = await agentThat(() => "nonsense\n")
    await expect(nonsense.call("guest-ping")).rejects.toThrow("ended")
    const flood = Buffer.alloc(2 ** 20, 0x20)
    let sent = 0
    server?.removeAllListeners("connection").on("connection", (socket) => {
      socket.on("error", () => {})
      const pour = () => {
        sent += flood.length
        if (!socket.destroyed) socket.write(flood, pour)
      }
      socket.once("data", pour)
    })
    await expect(nonsense.call("guest-ping", {}, { timeoutMs: 60_000 })).rejects.toThrow("ended")
    expect(sent).toBeLessThan(100 * 2 ** 20)
  })
})
