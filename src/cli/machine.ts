import type { Command } from "commander"
import { change } from "./change.ts"
import type { Waiting } from "./leaf.ts"
import { leaf, option, repeated } from "./leaf.ts"
import { inspection, listing } from "./listing.ts"
import { printConsole } from "./machine-console.ts"
import { exec } from "./machine-exec.ts"
import { removal } from "./removal.ts"
import { pathOf, resolve, resolveSnapshotOf } from "./resolve.ts"
import { kinds, type Resource } from "./resources.ts"
import type { Session } from "./session.ts"
import { parseCount, parseDuration, parseMemoryMiB, parseSize } from "./sizes.ts"
import { followAndPrint } from "./work.ts"

export function machineCommands(noun: Command): void {
  creation(noun)
  listing(noun, kinds.machine)
  inspection(noun, kinds.machine)
  power(noun)
  change(noun, kinds.machine, [
    option("--protect", "refuse to delete it"),
    option("--no-protect", "let it be deleted again"),
  ])
  resizing(noun)
  disks(noun)
  inside(noun)
  removal(noun, kinds.machine)
}

type CreateOptions = {
  name: string
  image: string
  kind?: string
  memory?: number
  cpus?: number
  diskSize?: number
  volume?: string[]
}

function creation(noun: Command): void {
  leaf<CreateOptions>(noun, {
    words: "create",
    summary: "make a machine from an image and start it",
    example: "tintype machine create --name web --image demo --memory 512 --volume data --wait",
    options: [
      option("--name <name>", "the machine's name").makeOptionMandatory(),
      option("--image <image>", "what its root volume starts as").makeOptionMandatory(),
      option("--kind <kind>", "default: what the image is for").choices(["vm", "container"]),
      option("--memory <MiB>", "default: 256").argParser(parseMemoryMiB),
      option("--cpus <count>", "default: 1").argParser(parseCount),
      option("--disk-size <size>", "of the root volume; default: the image's").argParser(parseSize),
      repeated("--volume <volume>", "an extra volume to attach; may be repeated"),
    ],
    works: true,
    async run(session, _, options) {
      const volumes: string[] = []
      for (const ref of options.volume ?? [])
        volumes.push(await resolve(session, kinds.volume, ref))
      const body = {
        name: options.name,
        imageId: await resolve(session, kinds.image, options.image),
        kind: options.kind,
        memoryMiB: options.memory,
        cpus: options.cpus,
        diskSizeBytes: options.diskSize,
        volumeIds: volumes.length === 0 ? undefined : volumes,
      }
      const ask = { method: "POST", path: kinds.machine.collection, body } as const
      const accepted = await session.client.json<Resource>(ask)
      const started = { kind: kinds.machine, accepted, doing: `creating machine ${options.name}` }
      await followAndPrint(session, started, options)
    },
  })
}

function power(noun: Command): void {
  leaf(noun, {
    words: "start <machine>",
    summary: "power a machine on; done when it answers",
    example: "tintype machine start web --wait",
    works: true,
    run: (session, [ref = ""], options) => act(session, ref, "start", "starting", {}, options),
  })
  leaf<{ hard?: boolean }>(noun, {
    words: "stop <machine>",
    summary: "power a machine off",
    example: "tintype machine stop web --wait",
    options: [option("--hard", "pull the plug instead of asking the guest first")],
    works: true,
    run: (session, [ref = ""], options) =>
      act(session, ref, "stop", "stopping", { hard: options.hard }, options),
  })
  leaf(noun, {
    words: "reboot <machine>",
    summary: "restart the guest",
    example: "tintype machine reboot web --wait",
    works: true,
    run: (session, [ref = ""], options) => act(session, ref, "reboot", "rebooting", {}, options),
  })
  leaf<{ snapshot: string; start?: boolean }>(noun, {
    words: "revert <machine>",
    summary: "go back to a snapshot; what is there now is kept as a recovery snapshot",
    example: "tintype machine revert web --snapshot before-upgrade --wait",
    options: [
      option("--snapshot <snapshot>", "where to go back to").makeOptionMandatory(),
      option("--start", "end up running, whatever the machine was before"),
    ],
    works: true,
    async run(session, [ref = ""], options) {
      const machineId = await resolve(session, kinds.machine, ref)
      const snapshotId = await resolveSnapshotOf(session, { machineId }, options.snapshot)
      // biome-ignore lint/suspicious/noThenProperty: the API's word; a string is no thenable.
      const wish = { snapshotId, then: options.start ? "start" : undefined }
      await act(session, machineId, "revert", "reverting", wish, options)
    },
  })
}

function resizing(noun: Command): void {
  leaf<{ memory?: number; cpus?: number; restart?: boolean }>(noun, {
    words: "resize <machine>",
    summary: "give a machine more or less memory and processors",
    example: "tintype machine resize web --memory 1024 --cpus 2 --restart --wait",
    options: [
      option("--memory <MiB>", "default: as it is").argParser(parseMemoryMiB),
      option("--cpus <count>", "default: as it is").argParser(parseCount),
      option("--restart", "switch a running machine off for it, and on again"),
    ],
    works: true,
    async run(session, [ref = ""], options) {
      const { memory: memoryMiB, cpus, restart } = options
      await act(session, ref, "resize", "resizing", { memoryMiB, cpus, restart }, options)
    },
  })
}

function disks(noun: Command): void {
  for (const [verb, doing, summary] of [
    ["attach", "attaching to", "give a machine an extra volume"],
    ["detach", "detaching from", "take an extra volume away from a machine"],
  ] as const) {
    leaf(noun, {
      words: `${verb} <machine> <volume>`,
      summary,
      example: `tintype machine ${verb} web data --wait`,
      works: true,
      async run(session, [ref = "", volume = ""], options) {
        const volumeId = await resolve(session, kinds.volume, volume)
        await act(session, ref, verb, doing, { volumeId }, options)
      },
    })
  }
}

function inside(noun: Command): void {
  leaf<{ timeout?: number }>(noun, {
    words: "exec <machine> <command...>",
    summary: "run a command in the machine; ends with the command's own exit code",
    example: "tintype machine exec web -- cat /etc/hostname",
    options: [
      option("--timeout <time>", "for the command, such as 30 or 5m").argParser(parseDuration),
    ],
    async run(session, [ref = "", ...argv], { timeout }) {
      await exec(session, await resolve(session, kinds.machine, ref), argv, timeout)
    },
  })
  leaf<{ follow?: boolean }>(noun, {
    words: "console <machine>",
    summary: "print what the serial console has printed",
    example: "tintype machine console web --follow",
    options: [option("--follow", "go on printing as it comes")],
    async run(session, [ref = ""], { follow }) {
      await printConsole(session, await resolve(session, kinds.machine, ref), follow ?? false)
    },
  })
}

async function act(
  session: Session,
  ref: string,
  verb: string,
  doing: string,
  body: object,
  waiting: Waiting,
): Promise<void> {
  const id = await resolve(session, kinds.machine, ref)
  const path = `${pathOf(kinds.machine, id)}/${verb}`
  const accepted = await session.client.json<Resource>({ method: "POST", path, body })
  const name = accepted.name ?? ref
  const started = { kind: kinds.machine, accepted, doing: `${doing} machine ${name}` }
  await followAndPrint(session, started, waiting)
}
