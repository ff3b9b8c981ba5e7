import { expect, test } from "vitest"
import { Steady } from "./steady.ts"

/** Visitors who say when they come and go, and stay until they are let go. */
function house() {
  const steady = new Steady()
  const said: string[] = []
  const leave = new Map<string, () => void>()
  const visit = (name: string, kind: "shared" | "exclusive") =>
    steady[kind](async () => {
      said.push(`${name} in`)
      await new Promise<void>((go) => leave.set(name, go))
      said.push(`${name} out`)
    })
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  const end = async (name: string) => {
    await settled()
    leave.get(name)?.()
    await settled()
  }
  return { steady, said, visit, end, settled }
}

test("many share, one is alone, and all go in the order of asking", async () => {
  const { said, visit, end } = house()
  const all = [
    visit("a", "shared"),
    visit("b", "shared"),
    visit("C", "exclusive"),
    visit("d", "shared"),
    visit("e", "shared"),
    visit("F", "exclusive"),
  ]
  for (const name of ["a", "b", "C", "d", "e", "F"]) await end(name)
  await Promise.all(all)
  expect(said).toEqual([
    ...["a in", "b in", "a out", "b out", "C in", "C out"],
    ...["d in", "e in", "d out", "e out", "F in", "F out"],
  ])
})

test("a commit waits for those inside, and those who come later wait for it", async () => {
  const { said, visit, end, settled } = house()
  const all = [visit("a", "shared"), visit("B", "exclusive")]
  await settled()
  all.push(visit("c", "shared"))
  await settled()
  expect(said).toEqual(["a in"])
  await end("a")
  expect(said).toEqual(["a in", "a out", "B in"])
  await end("B")
  await end("c")
  await Promise.all(all)
})

test("a visitor who fails leaves like any other", async () => {
  const { steady, said, visit, end } = house()
  const fails = async () => {
    throw new Error("no")
  }
  await expect(steady.exclusive(fails)).rejects.toThrow("no")
  await expect(steady.shared(fails)).rejects.toThrow("no")
  const last = visit("A", "exclusive")
  await end("A")
  await last
  expect(said).toEqual(["A in", "A out"])
})
