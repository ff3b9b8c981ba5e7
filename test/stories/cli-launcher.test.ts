/** `./tintype` on machines that lack this or that: small trees of their own, with acted tools. */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"

const launcher = fileURLToPath(new URL("../../tintype", import.meta.url))
/** What the launcher itself needs of the system. */
const basics = [
  "bash",
  "readlink",
  "sha256sum",
  "flock",
  "sort",
  "find",
  "mkdir",
  "mv",
  "sleep",
  "cat",
  "env",
]

let home = ""
let tree = ""
let bin = ""

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "tintype launcher "))
  tree = join(home, "a tree")
  bin = join(home, "bin")
  await mkdir(tree)
  await mkdir(bin)
  await copyFile(launcher, join(tree, "tintype"))
  await writeFile(join(tree, "package-lock.json"), "{}")
  await mkdir(join(tree, "test/clients"), { recursive: true })
  await writeFile(join(tree, "test/clients/package-lock.json"), "{}")
  for (const name of basics) await symlink(await whereIs(name), join(bin, name))
  await act(
    "npm",
    `
    echo "$PWD npm $*" >>"${home}/log"
    sleep 0.2
    mkdir -p node_modules/.bin
    cat >node_modules/.bin/node <<'NODE'
#!/usr/bin/env bash
echo "ran $$ $*"
NODE
    chmod +x node_modules/.bin/node
    echo "npm talks"
  `,
  )
  await symlink(await whereIs("chmod"), join(bin, "chmod"))
})
afterEach(() => rm(home, { recursive: true }))

test("a fresh clone installs its packages once, and says so only on stderr", async () => {
  const first = await run(["machine", "list"])
  expect(first.stdout).toMatch(/^ran \d+ .*src\/cli\/tintype\.ts machine list\n$/)
  expect(first.stderr).toContain("npm talks")
  const second = await run(["machine", "list"])
  expect([second.code, second.stderr]).toEqual([0, ""])
  expect(await log()).toEqual([expect.stringContaining("a tree npm ci --ignore-scripts")])
})

test("what becomes a server is compiled by another process before, and again when it changed", async () => {
  await actHost()
  const node = join(tree, "node_modules/.bin/node")
  await run(["machine", "list"])
  await writeFile(node, `#!/usr/bin/env bash\necho "node $*" >>"${home}/log"\n`)
  await mkdir(join(tree, "src"))
  const compiled = async () => {
    expect((await run(["serve"])).code).toBe(0)
    return (await log()).filter((line) => line.endsWith("src/main.ts compile")).length
  }
  expect([await compiled(), await compiled()]).toEqual([1, 1])
  await utimes(join(tree, "src"), new Date(), new Date(Date.now() + 10_000))
  expect(await compiled()).toBe(2)
})

test("a changed lock file installs again", async () => {
  await run(["--version"])
  await writeFile(join(tree, "package-lock.json"), "{ }")
  await run(["--version"])
  expect(await log()).toHaveLength(2)
})

test("packages that a person installed are taken as they are", async () => {
  await mkdir(join(tree, "node_modules/.bin"), { recursive: true })
  await writeFile(join(tree, "node_modules/.package-lock.json"), "{}")
  await writeFile(join(tree, "node_modules/.bin/node"), '#!/usr/bin/env bash\necho "ran $$ $*"\n')
  await chmod(join(tree, "node_modules/.bin/node"), 0o755)
  await utimes(join(tree, "package-lock.json"), 1, 1)
  expect((await run(["--version"])).code).toBe(0)
  expect(await log()).toEqual([])
})

test("launches at the same time install once", async () => {
  const ran = await Promise.all([1, 2, 3, 4].map(() => run(["--version"])))
  expect(ran.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  expect(await log()).toHaveLength(1)
})

test("an install that fails is said, and tried again next time", async () => {
  await act("npm", `echo "$PWD npm" >>"${home}/log"; mkdir node_modules; exit 3`)
  expect(await run(["--version"])).toMatchObject({ code: 1, stdout: "" })
  await rm(join(tree, "node_modules"), { recursive: true })
  await run(["--version"])
  expect(await log()).toHaveLength(2)
})

test("without npm it says what to install", async () => {
  await rm(join(bin, "npm"))
  const ran = await run(["--version"])
  expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining("npm is missing")])
})

test("it is found through a symbolic link, from any directory, and becomes the command", async () => {
  await mkdir(join(home, "else where"))
  await symlink(join(tree, "tintype"), join(home, "else where", "tt"))
  await run(["--version"])
  const child = spawn(join(home, "else where", "tt"), ["volume", "list"], { env: env(), cwd: "/" })
  let stdout = ""
  child.stdout.on("data", (text) => {
    stdout += text
  })
  await once(child, "close")
  expect(stdout).toBe(`ran ${child.pid} ${tree}/src/cli/tintype.ts volume list\n`)
})

test("each word becomes its program", async () => {
  await actHost()
  await run(["--version"])
  const programs: [string[], string][] = [
    [["serve", "--data", "x"], "src/main.ts serve --data x"],
    [["doctor", "--fix"], "src/main.ts doctor --fix"],
    [["demo", "--exit"], "src/cli/demo.ts --exit"],
    [["test", "--long"], "tools/test.ts --long"],
    [["bench"], "bench/bench.ts"],
    [[], "src/cli/tintype.ts"],
    [["machine", "exec", "web", "--", "test"], "src/cli/tintype.ts machine exec web -- test"],
  ]
  for (const [argv, program] of programs) {
    const words = (await run(argv)).stdout.trim().replace(/^ran \d+ /, "")
    const forNode = /^(src.main|bench)/.test(program) ? "--max-semi-space-size=4 --expose-gc " : ""
    expect(words).toBe(`${forNode}${tree}/${program}`)
  }
})

test("commands that talk to a server never touch Debian's packages", async () => {
  await actHost({ missing: ["qemu-img", "qemu-system-x86_64"], user: false })
  for (const argv of [["machine", "list"], ["doctor"], ["volume", "import", "v", "f"]]) {
    expect((await run(argv)).code).toBe(0)
  }
  expect((await log()).filter((line) => !line.includes("npm"))).toEqual([])
})

test("what runs machines installs as root what is missing, and nothing else", async () => {
  await actHost({ missing: ["qemu-img", "qemu-storage-daemon"], user: false })
  expect((await run(["serve"])).code).toBe(0)
  const done = (await log()).filter((line) => !line.includes("npm") && !line.includes("update"))
  expect(done).toEqual([
    "noninteractive apt-get install -y --no-install-recommends qemu-system-common qemu-utils",
    expect.stringMatching(/^ useradd --system .* tintype$/),
  ])
})

test("where nothing is missing nothing is done", async () => {
  await actHost()
  expect((await run(["serve"])).code).toBe(0)
  expect((await log()).filter((line) => !/npm|update/.test(line))).toEqual([])
})

test("a command waits until the server that is being started has what it needs", async () => {
  await actHost({ missing: ["qemu-img"] })
  await act("apt-get", `sleep 0.5; echo "apt is done" >>"${home}/log"`)
  const serving = run(["serve"])
  while (!(await log()).some((line) => line.includes("npm"))) await sleep(10)
  await run(["machine", "list"])
  expect(await log()).toContain("apt is done")
  expect((await serving).code).toBe(0)
})

test("what becomes a server leaves its pid where commands look for it", async () => {
  await actHost()
  const { stdout } = await run(["serve"])
  const pid = await readFile(join(tree, ".tintype-serving"), "utf8")
  expect(stdout).toMatch(new RegExp(`^ran ${pid.trim()} `))
  await rm(join(tree, ".tintype-serving"))
  for (const argv of [["demo"], ["machine", "list"]]) await run(argv)
  await expect(readFile(join(tree, ".tintype-serving"))).rejects.toThrow("ENOENT")
})

test("the tests want clients from npm, and tools, that nothing else does", async () => {
  await actHost({ missing: ["curl"] })
  await run(["serve"])
  const installs = async () => (await log()).filter((line) => /npm|install/.test(line))
  expect(await installs()).toHaveLength(1)
  expect((await run(["test"])).code).toBe(0)
  expect(await installs()).toEqual([
    expect.stringContaining(`${tree} npm ci`),
    expect.stringContaining(`${join(tree, "test/clients")} npm ci`),
    "noninteractive apt-get install -y --no-install-recommends curl",
  ])
  await run(["test"])
  expect((await installs()).filter((line) => line.includes("npm"))).toHaveLength(2)
})

test("a person who may not install is told the one line that does", async () => {
  await actHost({ missing: ["qemu-img"], uid: 1000 })
  const ran = await run(["demo"])
  expect([ran.code, ran.stdout]).toEqual([1, ""])
  expect(ran.stderr).toContain(
    "sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-utils\n",
  )
  expect((await log()).filter((line) => !line.includes("npm"))).toEqual([])
})

test("root lets machines run on while their memory is kept, and hears of it once", async () => {
  await actHost()
  const setting = join(home, "userfaults")
  const text = await readFile(join(tree, "tintype"), "utf8")
  const acted = text.replace("/proc/sys/vm/unprivileged_userfaultfd", `"${setting}"`)
  await writeFile(join(tree, "tintype"), acted)
  // A kernel that knows no such setting.
  expect((await run(["serve"])).stderr).not.toContain("userfault")
  await writeFile(setting, "0\n")
  expect((await run(["serve"])).stderr).toContain("set vm.unprivileged_userfaultfd=1")
  expect(await readFile(setting, "utf8")).toBe("1\n")
  expect((await run(["serve"])).stderr).not.toContain("userfault")
  await writeFile(setting, "0\n")
  await act("id", "echo 1000")
  await run(["serve"])
  expect(await readFile(setting, "utf8")).toBe("0\n")
})

type Host = { missing?: string[]; user?: boolean; uid?: number }

/** The system as the launcher sees it: programs, who asks, users, and apt. */
async function actHost({ missing = [], user = true, uid = 0 }: Host = {}): Promise<void> {
  const tools = [
    "qemu-system-x86_64",
    "qemu-storage-daemon",
    "qemu-img",
    "setpriv",
    "prlimit",
    "fallocate",
    "python3",
    "mke2fs",
    "ssh-keygen",
    "ssh-agent",
    "curl",
  ]
  for (const name of tools.filter((name) => !missing.includes(name))) await act(name, "exit 0")
  await act("id", `echo ${uid}`)
  await act("getent", user ? "exit 0" : "exit 2")
  const note = `echo "$DEBIAN_FRONTEND \${0##*/} $*" >>"${home}/log"`
  await act("apt-get", note)
  await act("useradd", note)
}

async function act(name: string, script: string): Promise<void> {
  await writeFile(join(bin, name), `#!/usr/bin/env bash\n${script}\n`)
  await chmod(join(bin, name), 0o755)
}

const env = () => ({ PATH: bin })

function run(argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: env(), cwd: dirname(tree), timeout: 170_000 }
    const child = execFile(join(tree, "tintype"), argv, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
    child.stdin?.end()
  })
}

async function log(): Promise<string[]> {
  const text = await readFile(join(home, "log"), "utf8").catch(() => "")
  return text.split("\n").filter((line) => line !== "")
}

function whereIs(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("bash", ["-c", 'command -v "$0"', name], (cause, stdout) => {
      if (cause === null) resolve(stdout.trim())
      else reject(cause)
    })
  })
}
