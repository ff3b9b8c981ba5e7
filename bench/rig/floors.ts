/**
 * The floors: the least that anybody must do on this machine to keep the same promise, in plain
 * blocking system calls, with nothing of ours in between.
 */
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import type { Stand } from "../benchmark.ts"

const block = Buffer.alloc(4096, 1)
const clusterBytes = 64 * 1024

export type BareFloors = {
  /** A durable file such as an empty layer: three blocks and a hole, its name, its directory. */
  layer(): void
  /** A durable commit of one small row. */
  commit(): void
}

export function bareFloors({ folder, after }: Stand): BareFloors {
  const directory = join(folder, "floor")
  mkdirSync(directory)
  const handle = openSync(directory, "r")
  const database = new Sqlite(join(directory, "floor.db"))
  database.pragma("journal_mode = wal")
  database.pragma("synchronous = full")
  database.exec("create table line (id integer primary key, body text not null)")
  const insert = database.prepare("insert into line (body) values (?)")
  const body = "x".repeat(400)
  after(() => {
    database.close()
    closeSync(handle)
  })
  let made = 0
  return {
    layer() {
      made += 1
      const name = join(directory, `${made}.layer`)
      const file = openSync(`${name}.part`, "wx", 0o600)
      for (const cluster of [0, 1, 2]) {
        writeSync(file, block, 0, block.length, cluster * clusterBytes)
      }
      ftruncateSync(file, 4 * clusterBytes)
      fsyncSync(file)
      closeSync(file)
      renameSync(`${name}.part`, name)
      fsyncSync(handle)
    },
    commit: () => void insert.run(body),
  }
}

/** That it was accepted is durable before its answer, and that it is there before that is told. */
export const snapshotCommits = 2

/** What a snapshot that is asked for, taken and recorded cannot do without. */
export function bareSnapshot({ layer, commit }: BareFloors): () => void {
  return () => {
    for (let nth = 1; nth < snapshotCommits; nth++) commit()
    layer()
    commit()
  }
}
