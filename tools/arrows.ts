/**
 * The arrows, top to bottom: a folder may import from its own line and from the lines below it.
 * On top stand the files of `src` itself, which wire everything together, and the CLI.
 * What is drawn in ARCHITECTURE is checked here, with dependency-cruiser.
 */
import { pathToFileURL } from "node:url"
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser"

const floors = [
  ["[^/]+\\.ts$", "cli"],
  ["http"],
  ["faces"],
  ["core"],
  ["operations"],
  ["engines", "hosts", "ledger"],
  ["platform"],
  ["domain"],
]
const rooms = (names: readonly string[]) =>
  `^src/(${names.map((name) => (name.endsWith("$") ? name : `${name}/`)).join("|")})`
/** Tests stand outside: a suite may look at everything it tests. */
const tests = "\\.(test|suite)\\.ts$"
/** What outsiders may see of a house with many implementations. */
const doors =
  "^src/(engines/engine|hosts/host|faces/(face|settings)|ledger/ledger|[a-z]+/registry)\\.ts$"

export const rules: IForbiddenRuleType[] = [
  ...floors.slice(1).map((lower, index) => ({
    name: `nothing-in-${lower.join("-")}-looks-up`,
    comment: "Arrows only go down. If you need this, have it passed in as an argument.",
    from: { path: rooms(lower), pathNot: tests },
    to: { path: rooms(floors.slice(0, index + 1).flat()) },
  })),
  {
    name: "every-room-is-on-a-floor",
    comment: "A new folder of src gets its line in tools/arrows.ts.",
    from: { path: "^src/", pathNot: rooms(floors.flat()) },
    to: {},
  },
  {
    name: "neighbours-do-not-visit",
    comment: "Engines, hosts and the ledger meet in operations; implementations never meet.",
    from: { path: "^src/(engines|hosts|ledger)/", pathNot: tests },
    to: { path: "^src/(engines|hosts|ledger)/", pathNot: "^src/$1/" },
  },
  {
    name: "implementations-do-not-visit",
    comment: "One implementation does not know another of the same contract.",
    from: { path: "^src/(engines|hosts|faces)/([^/]+)/", pathNot: tests },
    to: { path: "^src/$1/[^/]+/", pathNot: "^src/$1/$2/" },
  },
  {
    name: "only-the-registry-opens-the-door",
    comment: "From outside, an implementation is reached through its registry; types by contract.",
    from: { path: "^src/([^/]+)", pathNot: tests },
    to: { path: "^src/(engines|hosts|faces|ledger)/", pathNot: [doors, "^src/$1/"] },
  },
  {
    name: "faces-speak-only-to-the-core",
    comment: "A face is a dictionary: it knows the core and the domain, and nothing below.",
    from: { path: "^src/faces/", pathNot: tests },
    to: { path: "^src/(?!faces/|core/|domain/)" },
  },
  {
    name: "cli-uses-the-front-door",
    comment: "The CLI reaches the rest over HTTP.",
    from: { path: "^src/cli/" },
    to: { path: "^src/(?!cli/|domain/)" },
  },
  {
    name: "domain-imports-nothing",
    comment: "Nouns know neither Node nor packages.",
    from: { path: "^src/domain/", pathNot: tests },
    to: { pathNot: "^src/domain/" },
  },
  {
    name: "no-development-tools-at-run-time",
    comment: "What src imports must be in dependencies.",
    from: { path: "^src/", pathNot: tests },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg"] },
  },
  { name: "no-dead-ends", from: {}, to: { couldNotResolve: true } },
  { name: "no-circles", from: { pathNot: tests }, to: { circular: true } },
  { name: "no-orphans", from: { orphan: true, pathNot: tests }, to: {} },
].map((rule) => ({ severity: "error", ...rule }) as IForbiddenRuleType)

export type Arrows = { modules: number; violations: string[] }

/** Follows every import below `baseDir`/src; each violation is one line. */
export async function cruiseArrows(baseDir: string): Promise<Arrows> {
  const { output } = await cruise(
    ["src"],
    {
      baseDir,
      validate: true,
      ruleSet: { forbidden: rules },
      tsPreCompilationDeps: true,
      doNotFollow: { path: "node_modules" },
    },
    { extensions: [".ts"], exportsFields: ["exports"], conditionNames: ["import", "types"] },
  )
  const { modules, summary } = output as ICruiseResult
  return {
    modules: modules.filter((module) => module.source.startsWith("src/")).length,
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
  }
}

/** A cruise that sees nothing finds nothing: a parser that fails must not pass for order. */
const fewestModules = 150

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { modules, violations } = await cruiseArrows(process.cwd())
  for (const violation of violations) console.log(violation)
  console.log(`${modules} modules, ${violations.length} violations`)
  if (modules < fewestModules) console.log(`fewer than ${fewestModules} modules were seen`)
  process.exitCode = violations.length > 0 || modules < fewestModules ? 1 : 0
}
