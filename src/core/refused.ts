/** Refusals on record, for APIs whose clients learn of them afterwards. */
import type { Fault, Named, Result } from "../domain/fault.ts"
import type { Operation } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, RefusedWish } from "./core.ts"
import { shownMachine, shownVolume } from "./shown.ts"

/** An operation that was refused and ended at once: `undone`, with the fault for its reason. */
export async function recordRefusal(
  context: Pick<Context, "ledger" | "node" | "clock" | "wake">,
  asking: Asking,
  wish: RefusedWish,
  fault: Fault,
): Promise<Result<Operation>> {
  const started = await accept(context, asking, {
    saga: { name: wish.kind, version: 1 },
    plan: async (rooms) => {
      const whose = await targetOf(rooms, asking, wish)
      return { ...whose, resource: null, holds: [], params: {}, refused: fault }
    },
  })
  return started.ok ? { ok: true, value: started.value.operation } : started
}

/** Only for those who may see it. */
async function targetOf(
  rooms: Rooms,
  { who }: Asking,
  { machine, volume }: RefusedWish,
): Promise<{ accountId: Operation["accountId"]; target: Named }> {
  if (machine !== undefined) {
    const { id, accountId } = await shownMachine(rooms, who, machine)
    return { accountId, target: { kind: "machine", id } }
  }
  if (volume !== undefined) {
    const { id, accountId } = await shownVolume(rooms, who, volume)
    return { accountId, target: { kind: "volume", id } }
  }
  return { accountId: who.accountId, target: { kind: "account", id: who.accountId } }
}
