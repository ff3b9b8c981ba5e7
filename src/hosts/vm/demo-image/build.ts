/**
 * The demo image: the smallest guest that does everything ours can do. Debian's cloud kernel, an
 * initramfs of busybox and the virtio drivers, and a root file system of busybox, the real QEMU
 * guest agent and the ext4 tools, all from the distribution's own packages, none installed.
 */
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises"
import { basename, isAbsolute, join } from "node:path"
import { run } from "../../../platform/command.ts"
import type { DemoImage } from "../../host.ts"
import { cpio, directory, link, program } from "./cpio.ts"
import { guestDirectories, guestFiles, guestLinks, initramfsInit } from "./guest-files.ts"
import { type KernelModule, virtioModules } from "./modules.ts"
import { demoPackages, unpack } from "./packages.ts"

const diskBytes = 64 * 2 ** 20
const append = "console=ttyS0 quiet"

/** Leaves `kernel`, `initrd` and `disk.raw` in `into`, which exists. Repeating replaces them. */
export async function buildDemoImage(
  into: string,
  say: (progress: number, message: string) => void,
): Promise<DemoImage> {
  const work = await mkdtemp(join(into, "demo-"))
  try {
    say(5, "looking for the newest packages")
    const packages = await demoPackages()
    const from = join(work, "packages")
    const scratch = join(work, "debs")
    await mkdir(scratch)
    say(15, `downloading and unpacking ${packages.length} packages`)
    await unpack(packages, scratch, from)

    say(60, "making the initramfs")
    const kernel = await kernelOf(from)
    await copyFile(kernel, join(into, "kernel"))
    const busybox = await readFile(join(from, "bin/busybox"))
    const modules = await virtioModules(join(from, "lib/modules"), (file) => unxz(from, file))
    await writeFile(join(into, "initrd"), initramfs(busybox, modules))

    say(70, "making the root file system")
    const root = join(work, "root")
    await fillRoot(root, from)
    const disk = join(into, "disk.raw")
    await makeFileSystem(root, disk)
    say(100, "the demo image is built")
    const boot = { kernel: join(into, "kernel"), initrd: join(into, "initrd") }
    return { disk, sizeBytes: diskBytes, boot, append }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function kernelOf(from: string): Promise<string> {
  const name = (await readdir(join(from, "boot"))).find((file) => file.startsWith("vmlinuz-"))
  if (name === undefined) throw new Error("the kernel package holds no boot/vmlinuz-*")
  return join(from, "boot", name)
}

/** By the busybox just unpacked: this node may have no xz. */
async function unxz(from: string, file: string): Promise<Uint8Array> {
  const copy = join(from, basename(file))
  await copyFile(file, copy)
  await run([join(from, "bin/busybox"), "unxz", "-f", copy], { timeoutMs: 60_000 })
  return readFile(copy.replace(/\.xz$/, ""))
}

function initramfs(busybox: Uint8Array, modules: readonly KernelModule[]): Buffer {
  const tools = ["sh", "mount", "cat", "insmod", "usleep", "switch_root", "echo"]
  return cpio([
    ...["bin", "dev", "proc", "sys", "root", "modules"].map(directory),
    program("bin/busybox", busybox),
    ...tools.map((tool) => link(`bin/${tool}`, "busybox")),
    ...modules.map(({ name, code }) => program(`modules/${name}`, code)),
    program("modules/order", Buffer.from(modules.map(({ name }) => `${name}\n`).join(""))),
    program("init", Buffer.from(initramfsInit)),
  ])
}

async function fillRoot(root: string, from: string): Promise<void> {
  for (const path of guestDirectories) await mkdir(join(root, path), { recursive: true })
  for (const { path, target } of guestLinks) await symlink(target, join(root, path))
  await copyFile(join(from, "bin/busybox"), join(root, "bin/busybox"))
  const applets = await run([join(from, "bin/busybox"), "--list"], { timeoutMs: 10_000 })
  await copyPrograms(root, from)
  for (const { path, mode, text } of guestFiles(diskBytes / 512)) {
    await writeFile(join(root, path), text)
    await chmod(join(root, path), mode)
  }
  const taken = new Set(await readdir(join(root, "bin")))
  for (const applet of applets.split("\n").filter((name) => name !== "" && !taken.has(name))) {
    await symlink("busybox", join(root, "bin", applet))
  }
}

const programsOfPackages = ["qemu-ga", "mke2fs", "resize2fs", "e2fsck"]

/**
 * The programs and, by asking the packages' own loader, the libraries they need. It is asked with
 * relative paths: the place we work in may have a name that its answers and lists cannot hold.
 */
async function copyPrograms(root: string, from: string): Promise<void> {
  const libraryDirs = ["lib", "usr/lib"].map((dir) => join(dir, "x86_64-linux-gnu"))
  const loader = "ld-linux-x86-64.so.2"
  const loaderPath = join(from, libraryDirs[0] ?? "", loader)
  await copyFile(loaderPath, join(root, "lib", loader))
  for (const name of programsOfPackages) {
    const path = await firstThatExists([join(from, "usr/sbin", name), join(from, "sbin", name)])
    await copyFile(path, join(root, "bin", name))
    const listing = await run(
      [loaderPath, "--library-path", libraryDirs.join(":"), "--list", path],
      { cwd: from, timeoutMs: 10_000 },
    )
    for (const [, library] of listing.matchAll(/=> (.+) \(0x/g)) {
      // It names itself too, by the path it was started with.
      if (library === undefined || basename(library) === loader) continue
      if (isAbsolute(library)) throw new Error(`${name} needs ${library} of this node`)
      await copyFile(join(from, library), join(root, "lib", basename(library)))
    }
  }
  await symlink("mke2fs", join(root, "bin/mkfs.ext4"))
}

async function firstThatExists(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const found = await readFile(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new Error(`none of ${paths.join(", ")} exists`)
}

async function makeFileSystem(root: string, disk: string): Promise<void> {
  await rm(disk, { force: true })
  await writeFile(disk, "")
  await truncate(disk, diskBytes)
  // No lazy initialisation: a guest that starts zeroing its disk would grow its first snapshot.
  const options = ["-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0"]
  await run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", ...options, "-d", root, disk], {
    timeoutMs: 60_000,
    env: { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  })
}
