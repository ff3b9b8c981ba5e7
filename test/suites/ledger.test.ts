/** Every database the ledger can be kept in, one line for each promise. */
import { ledgerSuite } from "../../src/ledger/ledger.suite.ts"
import { sqliteFile, sqliteInMemory, sqliteSuite } from "../../src/ledger/sqlite.suite.ts"
import { survivalSuite } from "../../src/ledger/survival.suite.ts"

ledgerSuite("an SQLite file", sqliteFile)
ledgerSuite("an SQLite database without a name", sqliteInMemory)
survivalSuite("an SQLite file", sqliteFile)
sqliteSuite()
