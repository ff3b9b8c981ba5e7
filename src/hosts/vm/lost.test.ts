/** Who is lost, and who only waits for a disk. */
import { expect, test } from "vitest"
import { seemsLost, type Thread } from "./lost.ts"

const thread = (state: string, where: string): Thread => ({ state, where })
const processor = thread("D", "handle_userfault")
const idle = thread("S", "do_sys_poll")

test("a guest of which nobody waits for a page goes on", () => {
  expect(seemsLost([idle, thread("R", "0"), thread("D", "rq_qos_wait")])).toBe(false)
})

test("one whose page nobody writes is lost, however it waits", () => {
  expect(seemsLost([processor, idle])).toBe(true)
  expect(seemsLost([thread("S", "handle_userfault"), idle])).toBe(true)
})

test("while a disk holds up whoever may be writing the page, it is not", () => {
  expect(seemsLost([processor, idle, thread("D", "percpu_rwsem_wait")])).toBe(false)
})
