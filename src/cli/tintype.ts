/**
 * The `tintype` command: words in, HTTP out. Each noun's commands are loaded only when that noun
 * is asked for, so that a call costs what it needs.
 */
import { readFileSync } from "node:fs"
import { Command, CommanderError, Option } from "commander"
import { exitCode, Failure } from "./failure.ts"
import { backupCommand, doctorCommand } from "./upkeep.ts"

type Noun = { about: string; load(): Promise<(noun: Command) => void> }

const nouns: Record<string, Noun> = {
  account: {
    about: "who owns things",
    load: async () => (await import("./account.ts")).accountCommands,
  },
  user: {
    about: "who may act for an account",
    load: async () => (await import("./user.ts")).userCommands,
  },
  key: {
    about: "SSH keys that sign requests",
    load: async () => (await import("./key.ts")).keyCommands,
  },
  image: {
    about: "read-only disks that machines are made from",
    load: async () => (await import("./image.ts")).imageCommands,
  },
  machine: {
    about: "virtual machines and containers",
    load: async () => (await import("./machine.ts")).machineCommands,
  },
  volume: {
    about: "block devices with a size",
    load: async () => (await import("./volume.ts")).volumeCommands,
  },
  snapshot: {
    about: "machines and volumes as they were at one instant",
    load: async () => (await import("./snapshot.ts")).snapshotCommands,
  },
  operation: {
    about: "work that takes time",
    load: async () => (await import("./operation.ts")).operationCommands,
  },
}

const moreWords = `
By ./tintype only:
  serve [--data DIR]   run the server
  demo [--exit]        set everything up and show what it does
  test [--long]        run all tests
  bench                measure

Environment: TINTYPE_URL, TINTYPE_TOKEN, TINTYPE_DATA, TINTYPE_PORT_NATIVE, NO_COLOR
Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 not allowed, 5 conflict, 6 timeout

Example:
  $ tintype snapshot create --machine web --name before-upgrade --wait`

function build(): Command {
  const program = new Command("tintype")
    .description("Snapshots of machines and volumes.")
    .exitOverride()
    .addOption(
      new Option("-o, --output <format>", "what stdout is; json is one value").choices([
        "json",
        "table",
      ]),
    )
    .option("--account <name>", "act for this account (administrators only)")
    .option("--url <url>", "where the server is")
    .option("--token <token>", "who you are to it; better: TINTYPE_TOKEN")
    .version(version(), "--version", "print the version")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (words, write) => write(words.replace(/^error:/, "tintype:")) })
    .addHelpText("after", (context) => (context.command.parent === null ? moreWords : ""))
  for (const [word, { about, load }] of Object.entries(nouns)) {
    const noun = program.command(word).description(about).helpCommand(false)
    program.hook("preSubcommand", async (_, chosen) => {
      if (chosen === noun) (await load())(noun)
    })
  }
  doctorCommand(program)
  backupCommand(program)
  return program
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
  return JSON.parse(text).version
}

async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough, as `head` does, is no failure of ours.
  process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
    if (cause.code === "EPIPE") process.exit(0)
    throw cause
  })
  try {
    await build().parseAsync(argv, { from: "user" })
  } catch (cause) {
    process.exitCode = explain(cause)
  }
}

function explain(cause: unknown): number {
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? 0 : exitCode.usage
  if (cause instanceof Failure) {
    process.stderr.write(`tintype: ${cause.message}\n`)
    return cause.exitCode
  }
  const words = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  process.stderr.write(`tintype: this is a bug in the command: ${words}\n`)
  return exitCode.failure
}

await main(process.argv.slice(2))
