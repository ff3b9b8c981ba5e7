import Sqlite, { type Database } from "better-sqlite3"
import { expect, test } from "vitest"
import { groupCommit } from "./group-commit.ts"

/** A database that only writes down what it is told. */
function listener() {
  const said: string[] = []
  let inTransaction = false
  const database = {
    name: "nowhere",
    get inTransaction() {
      return inTransaction
    },
    pragma(text: string) {
      if (text === "synchronous") return 2
      said.push(text)
      return undefined
    },
    prepare: (text: string) => ({
      run() {
        said.push(text)
        if (text === "begin immediate") inTransaction = true
        if (text === "commit" || text === "rollback") inTransaction = false
      },
    }),
  }
  return { said, commits: groupCommit(database as unknown as Database) }
}

test("what may be durable later waits for no flush, and what comes after it flushes again", async () => {
  const { said, commits } = listener()
  await commits.run(async () => said.push("one"), "later")
  await commits.run(async () => said.push("two"), "later")
  await commits.run(async () => said.push("three"))
  expect(said).toEqual([
    ...["synchronous = 1", "begin immediate", "one", "commit"],
    ...["begin immediate", "two", "commit"],
    ...["synchronous = 2", "begin immediate", "three", "commit"],
  ])
})

test("one that must be durable now makes all those durable that are committed with it", async () => {
  const { said, commits } = listener()
  await Promise.all([
    commits.run(async () => said.push("one"), "later"),
    commits.run(async () => said.push("two")),
  ])
  expect(said).toEqual([
    "begin immediate",
    ...["savepoint member", "one", "release member"],
    ...["savepoint member", "two", "release member"],
    "commit",
  ])
})

test("one alone that throws is taken back, and the next begins afresh", async () => {
  const { said, commits } = listener()
  const failing = commits.run(async () => {
    throw new Error("no")
  })
  await expect(failing).rejects.toThrow("no")
  await commits.run(async () => said.push("two"))
  const next = ["begin immediate", "two", "commit"]
  expect(said).toEqual(["begin immediate", "rollback", ...next])
})

test("one alone whose transaction SQLite took back is not done, even if its work made light of it", async () => {
  const database = new Sqlite(":memory:")
  const commits = groupCommit(database)
  await expect(commits.run(async () => database.exec("rollback"))).rejects.toThrow("taken back")
  expect(await commits.run(async () => database.inTransaction)).toBe(true)
  database.close()
})
