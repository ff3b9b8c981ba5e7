import { expect, test } from "vitest"
import { openProgress } from "./progress.ts"

function screen(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, columns: 60, write: (text: string) => written.push(text) }
}

test("off a terminal a line is written when the words change or a tenth is done", () => {
  const paper = screen(false)
  const progress = openProgress("copying", paper)
  for (const percent of [0, 1, 2, 9.9, 10, 11, 35, 35]) progress.report(percent, "disk 1")
  progress.report(36, "disk 2")
  progress.report(null, "waiting")
  progress.end()
  expect(paper.written).toEqual([
    "copying 0%: disk 1\n",
    "copying 10%: disk 1\n",
    "copying 35%: disk 1\n",
    "copying 36%: disk 2\n",
    "copying: waiting\n",
  ])
})

test("on a terminal one line is redrawn, fits the width, and is gone at the end", () => {
  const terminal = screen(true)
  const progress = openProgress("copying", terminal)
  progress.report(50, "a disk with a name that goes on and on and on")
  progress.report(50, "a disk with a name that goes on and on and on")
  progress.end()
  progress.end()
  expect(terminal.written).toEqual([
    "\r\u001b[Kcopying  [############------------]  50%  a disk with a nam",
    "\r\u001b[K",
  ])
})
