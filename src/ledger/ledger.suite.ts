/** What every ledger promises. One line registers all of it for one database. */
import { afterEach, beforeEach, describe } from "vitest"
import { durabilitySuite } from "./durability.suite.ts"
import type { Ledger } from "./ledger.ts"
import { memoriesSuite } from "./memories.suite.ts"
import { pointsSuite } from "./points.suite.ts"
import { queuesSuite } from "./queues.suite.ts"
import { roomsSuite } from "./rooms.suite.ts"
import { totalsSuite } from "./totals.suite.ts"
import { transactionsSuite } from "./transactions.suite.ts"

/** Where a ledger is kept: empty when made, gone after `remove`. */
export type LedgerPlace = {
  open(): Promise<Ledger>
  /** Opens what `backup` wrote. */
  restore(file: string): Promise<Ledger>
  remove(): Promise<void>
}

/** What the tests of one suite work with; a fresh ledger for each of them. */
export type Bench = { readonly ledger: Ledger; readonly place: LedgerPlace }

export function ledgerSuite(name: string, make: () => Promise<LedgerPlace>): void {
  describe(`the ledger in ${name}`, () => {
    let place: LedgerPlace
    let ledger: Ledger
    beforeEach(async () => {
      place = await make()
      ledger = await place.open()
    })
    afterEach(async () => {
      await ledger.close()
      await place.remove()
    })
    const bench: Bench = {
      get ledger() {
        return ledger
      },
      get place() {
        return place
      },
    }
    roomsSuite(bench)
    pointsSuite(bench)
    transactionsSuite(bench)
    memoriesSuite(bench)
    queuesSuite(bench)
    totalsSuite(bench)
    durabilitySuite(bench)
  })
}
