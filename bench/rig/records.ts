/** What an engine's own records say of its layers, read beside the service from the ledger's file. */
import { statSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"

/** On disk, all layers that were written through this volume or made for it. */
export function bytesOfVolume(dataDir: string, engine: string, volume: string): number {
  return reading(dataDir, (database) => {
    const rows = database.prepare(
      "select id, body from engine_record where engine = ? and kind = 'layer'",
    )
    let bytes = 0
    for (const { id, body } of rows.all(engine) as { id: string; body: string }[]) {
      const about = JSON.parse(body) as { volume?: string }
      if (about.volume === volume) bytes += bytesOf(pathOf(dataDir, id))
    }
    return bytes
  })
}

/** The file that a volume is written to now. */
export const headOfVolume = (dataDir: string, engine: string, volume: string): string =>
  layerUnder(dataDir, [engine, "volume", volume])

/** The file of the layer that a point keeps. */
export const layerOfPoint = (dataDir: string, engine: string, point: string): string =>
  layerUnder(dataDir, [engine, "point", point])

function layerUnder(dataDir: string, key: readonly [string, string, string]): string {
  return reading(dataDir, (database) => {
    const row = database.prepare(
      "select parent from engine_record where engine = ? and kind = ? and id = ?",
    )
    const found = row.get(...key) as { parent: string } | undefined
    if (found === undefined) throw new Error(`there is no ${key[1]} ${key[2]} on record`)
    return pathOf(dataDir, found.parent)
  })
}

const pathOf = (dataDir: string, layer: string) => join(dataDir, "layers", `${layer}.qcow2`)

/** On disk (stat(2) counts blocks of 512). One that is gone holds nothing. */
export const bytesOf = (path: string): number =>
  (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512

function reading<T>(dataDir: string, read: (database: Sqlite.Database) => T): T {
  const database = new Sqlite(join(dataDir, "ledger.db"), { readonly: true })
  try {
    return read(database)
  } finally {
    database.close()
  }
}
