/**
 * A run of layers replaced by one. **Prepare**: the new layer is built beside them; whatever
 * happens, nothing has changed. **Commit** (`replace.ts`): one transaction puts those who stood on
 * the run onto the new layer, and dooms what nobody needs any more. **Finish**, when all who had
 * the old ones open have moved: the doomed go.
 *
 * If the light goes out before the commit, the copy goes on where it was; after it, the new layer
 * is the one that counts, and the old ones stay until `finish` for whoever still has them open.
 */
import type { Watch } from "../engine.ts"
import { consolidate } from "./consolidate.ts"
import { giveUp } from "./give-up.ts"
import type { LayerId } from "./layer-files.ts"
import { areFree, asPlanned, newLayer } from "./planned.ts"
import { reclaim } from "./reclaim.ts"
import { hold, tellTheMoved } from "./replace.ts"
import { finishRemoval, type Store } from "./store.ts"
import { inTree } from "./tree.ts"
import type { Work } from "./works.ts"

export function prepare(store: Store, id: LayerId, watch: Watch): Promise<void> {
  return store.desk.turn(id, async () => {
    const work = await begin(store, id)
    if (work?.state !== "building") return
    const remember = (copied: Work["copied"]) => change(store, id, { copied })
    try {
      if (!(await consolidate(store, work, remember, watch))) return
    } catch (cause) {
      // Where the layers it is about have gone, it is pointless, and no failure.
      if (watch.signal.aborted || (await change(store, id, {}))) throw cause
      return
    }
    await change(store, id, { state: "built" })
  })
}

/** The record of the work; a plan that still holds gets one. */
async function begin(store: Store, id: LayerId): Promise<Work | undefined> {
  const plan = store.desk.plans.get(id)
  const work = await inTree(store.memory, async (tree) => {
    const begun = await tree.works.get(id)
    if (begun !== undefined || plan === undefined) return begun
    if (!(await areFree(tree, plan.run)) || !(await asPlanned(tree, plan))) return undefined
    const layer = await newLayer(tree, id, plan.run)
    await tree.putLayer({ ...layer, doomed: true })
    const copied = { clusters: 0, layout: "" }
    const work: Work = { ...plan, state: "building", copied, moved: [], gone: [] }
    await tree.works.put(work)
    return work
  })
  store.desk.plans.delete(id)
  return work
}

/** False where the work has become pointless; then it stays as it is, for the commit to give up. */
function change(store: Store, id: LayerId, now: Partial<Work>): Promise<boolean> {
  return inTree(store.memory, async (tree) => {
    const work = await tree.works.get(id)
    if (work?.state !== "building" || !(await asPlanned(tree, work))) return false
    await tree.works.put({ ...work, ...now })
    return true
  })
}

export function finish(store: Store, id: LayerId): Promise<void> {
  return store.desk.turn(id, async () => {
    const work = await inTree(store.memory, (tree) => tree.works.get(id))
    if (work?.state !== "committed") return
    store.desk.replaced.get(id)?.[Symbol.dispose]()
    store.desk.replaced.delete(id)
    const due = await inTree(store.memory, async (tree) => {
      const top = work.run.at(-1)
      const below = top === undefined ? [] : await tree.dueBelow(top)
      return new Set([...(await tree.dueBelow(id)), ...below])
    })
    await finishRemoval(store, work.gone)
    await inTree(store.memory, (tree) => tree.works.remove(id))
    store.desk.finished(id)
    store.desk.lookAgain(work)
    await reclaim(store, [...due])
  })
}

export function abandon(store: Store, id: LayerId): Promise<void> {
  const { desk } = store
  // Whoever gives up is not at it any more, so this is somebody else, who still wants it.
  const wanted = desk.isVisited(id)
  return desk.turn(id, async () => {
    if (wanted) return
    const work = await inTree(store.memory, (tree) => tree.works.get(id))
    const given = work ?? desk.plans.get(id)
    if (given === undefined || work?.state === "committed") return
    if (work !== undefined) await giveUp(store, work)
    if (work?.state === "spoilt") return
    const { run, use, volume, bytes } = given
    desk.plans.set(id, { id, run, use, volume, bytes, failed: true })
  })
}

/** At a new start: begun work is taken up as it was left, and what it must not lose is held. */
export async function takeUp(store: Store): Promise<void> {
  const works = await inTree(store.memory, (tree) => tree.works.all())
  for (const work of works) {
    if (work.state === "spoilt") await giveUp(store, work)
    if (work.state !== "committed") continue
    hold(store, work)
    await tellTheMoved(store, work)
  }
}
