/** Writes a cpio archive in the `newc` form that Linux unpacks as its initramfs (cpio(5)). */

/** Parents come before their children. `mode` holds the file type too, as in `stat`. */
export type CpioEntry = { name: string; mode: number; data: Uint8Array }

export const directory = (name: string): CpioEntry => ({ name, mode: 0o040755, data: nothing })
export const program = (name: string, data: Uint8Array): CpioEntry => ({
  name,
  mode: 0o100755,
  data,
})
export const link = (name: string, target: string): CpioEntry => ({
  name,
  mode: 0o120777,
  data: Buffer.from(target),
})

const nothing = new Uint8Array(0)
const trailer: CpioEntry = { name: "TRAILER!!!", mode: 0, data: nothing }

export function cpio(entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([...entries, trailer].flatMap((entry, index) => record(entry, index + 1)))
}

/** A header of 13 fields of 8 hex digits, the name, the data; name and data end on 4 bytes. */
function record(entry: CpioEntry, inode: number): Buffer[] {
  const name = Buffer.from(`${entry.name}\0`)
  const links = entry.name === trailer.name ? 0 : 1
  const owner = [0, 0]
  const modified = 0
  const devices = [0, 0, 0, 0]
  const numbers = [
    inode,
    entry.mode,
    ...owner,
    links,
    modified,
    entry.data.length,
    ...devices,
    name.length,
    0,
  ]
  const fields = numbers.map((number) => number.toString(16).padStart(8, "0")).join("")
  const header = Buffer.from(`070701${fields}`)
  return [
    header,
    name,
    padding(header.length + name.length),
    Buffer.from(entry.data),
    padding(entry.data.length),
  ]
}

const padding = (length: number) => Buffer.alloc((4 - (length % 4)) % 4)
