/**
 * An engine's own work on its storage, carried out: the long part beside everything in use, then
 * one commit, then whoever has the disks open moves to the new storage while it runs, and only
 * then the old goes. Whatever dies in between, the next start goes on with it.
 */
import { Refusal } from "../domain/fault.ts"
import type { VolumeId } from "../domain/ids.ts"
import type { Upkeep } from "../engines/engine.ts"
import { saga } from "./saga.ts"
import type { Tools } from "./tools.ts"
import { watchOf } from "./watch.ts"

export type UpkeepWork = { engine: string; work: Upkeep["id"] }

export const upkeep = saga<Tools, UpkeepWork>("upkeep", 1)
  .step("prepare", {
    weight: 20,
    do: (tools, { engine, work }) => tools.engine(engine).prepare(work, watchOf(tools, "copied")),
    undo: (tools, { engine, work }) => tools.engine(engine).abandon(work),
  })
  // Once it is committed it cannot be taken back, and need not be: where a machine would not move,
  // the old stays beside the new, and the engine asks for the same work again.
  .step("replace", { do: (tools, order) => replace(tools, order) })

/** Some machine would not move, whosever it is: the path is shorter, and it is asked again. */
function unlessUnavailable(cause: unknown): void {
  if (!(cause instanceof Refusal) || cause.fault.kind !== "unavailable") throw cause
}

async function replace(tools: Tools, { engine: name, work }: UpkeepWork): Promise<void> {
  const engine = tools.engine(name)
  const restack = await engine.commit(work)
  if (restack !== null) {
    for (const host of tools.hosts) await host.restack(restack)
  }
  await engine.finish(work)
}

/**
 * A path that is as long as it may be is shortened before it grows: the operation that would add
 * to it does the work itself, and fails only if that fails.
 */
export async function shortenFirst(
  tools: Tools,
  points: readonly { volumeId: VolumeId; engine: string }[],
): Promise<void> {
  for (const { engine: name, volumeId } of points) {
    const engine = tools.engine(name)
    for (const { id: work } of await engine.upkeep(volumeId)) {
      await engine.prepare(work, watchOf(tools, "copied"))
      await replace(tools, { engine: name, work }).catch(unlessUnavailable)
    }
  }
}
