/**
 * Whether guests can run on here while their memory is written. QEMU knows: one without a machine
 * is asked for the capability, as the user whom machines run as.
 */
import type { Finding } from "../../domain/finding.ts"
import { run } from "../../platform/command.ts"
import { isObject } from "../../platform/json-lines.ts"
import type { HostConfig } from "../host.ts"
import { program } from "./installation.ts"
import { background, inWords, unprivilegedAllowed } from "./memory-stream.ts"

const answersWithinMs = 60_000

/** Nothing where they can. It is no fault: their memory is kept too, and they wait for it. */
export async function standingCopies(config: HostConfig): Promise<Finding[]> {
  const refused = await refusal(config)
  if (refused === null) return []
  const why = inWords(refused, await unprivilegedAllowed())
  return [
    {
      severity: "note",
      what: `machines stand still while a snapshot keeps their memory: ${why}`,
      remedy: (await unprivilegedAllowed()) ? null : "sysctl -w vm.unprivileged_userfaultfd=1",
    },
  ]
}

async function refusal({ dataDir, user }: HostConfig): Promise<string | null> {
  const commands = [
    { execute: "qmp_capabilities" },
    { execute: "migrate-set-capabilities", arguments: { capabilities: [background(true)] } },
    { execute: "quit" },
  ]
  const bare = ["-machine", "none", "-nodefaults", "-no-user-config", "-display", "none"]
  const said = await run([program, ...bare, "-qmp", "stdio"], {
    cwd: dataDir,
    user,
    timeoutMs: answersWithinMs,
    input: commands.map((command) => JSON.stringify(command)).join("\n"),
  })
  const answers = said.split("\n").filter((line) => line.startsWith('{"error"'))
  const [answer] = answers.map((line): unknown => JSON.parse(line))
  if (!isObject(answer) || !isObject(answer["error"])) return null
  return String(answer["error"]["desc"])
}
