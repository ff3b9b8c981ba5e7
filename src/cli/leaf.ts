/** How one command is written down: its words, one example, its options, and what it does. */
import type { Command } from "commander"
import { Option } from "commander"
import { type Common, openSession, type Session } from "./session.ts"
import { parseDuration } from "./sizes.ts"

export type Waiting = { wait?: boolean; timeout?: number }

export type Leaf<Options> = {
  /** Such as `attach <machine> <volume>`. */
  words: string
  summary: string
  example: string
  options?: readonly Option[]
  /** Starts work that goes on after the answer: takes `--wait` and `--timeout`. */
  works?: boolean
  /** False where `--account` is part of the wish, not who acts. */
  acting?: boolean
  run(session: Session, args: string[], options: Options & Common & Waiting): Promise<void>
}

export function leaf<Options = object>(noun: Command, it: Leaf<Options>): void {
  const command = noun.command(it.words).summary(it.summary).description(it.summary)
  for (const option of it.options ?? []) command.addOption(option)
  if (it.works) {
    command.option("--wait", "come back only when the work is done")
    const timeout = new Option("--timeout <time>", "wait at most so long, such as 30 or 5m")
    command.addOption(timeout.argParser(parseDuration).implies({ wait: true }))
  }
  command.addHelpText("after", `\nExample:\n  $ ${it.example}`)
  command.action(async () => {
    const options = command.optsWithGlobals<Options & Common & Waiting>()
    await it.run(openSession(options, it.acting ?? true), command.args, options)
  })
}

export function option(flags: string, about: string): Option {
  return new Option(flags, about)
}

/** May be given several times; the values in order. */
export function repeated(flags: string, about: string): Option {
  const collect = (value: string, sofar: string[] | undefined) => [...(sofar ?? []), value]
  return new Option(flags, about).argParser(collect)
}
