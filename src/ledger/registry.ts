/** One line for each database that can hold the ledger. */
import { openSqliteLedger } from "./sqlite.ts"

export const ledgers = { sqlite: openSqliteLedger }
