/** What must stay quick however much there is: the statements whose plans are looked at. */
import { newId } from "../domain/ids.ts"
import type { Ledger } from "./ledger.ts"
import { operation, snapshot } from "./samples.suite.ts"

/** Whatever a request, a step of an operation or the claim of a worker asks. */
export async function walkHotPaths(ledger: Ledger): Promise<void> {
  const { read } = ledger
  const [accountId, sourceId, id] = [newId<"account">(), newId(), newId()]
  const page = { limit: 1000, after: newId() }
  const back = { ...page, order: "newest-first" } as const
  const any = (text: string) => text as never

  for (const room of [read.images, read.volumes, read.machines, read.snapshots, read.operations]) {
    await room.get(id)
    await room.find({}, page)
    await room.find({ accountId }, page)
    await room.find({ accountId }, back)
    await room.find({ accountId, state: any("ready") }, page)
    await room.count({ accountId })
  }
  for (const room of [read.volumes, read.machines, read.snapshots]) {
    await room.find({ accountId, name: "name" })
  }
  await read.images.find({ accountId, name: "name" })
  await read.accounts.find({ login: "x" })
  await read.accounts.find({ tenantId: "x" })
  await read.accounts.find({ accountNumber: 1 })
  await read.users.find({ name: "x" })
  await read.users.find({ accountId }, page)
  await read.tokens.find({ hash: "x" })
  await read.tokens.find({ userId: any(id) }, page)
  await read.tokens.find({ userId: any(id), kind: "bearer" }, page)
  await read.tokens.count({ userId: any(id), kind: "bearer" })
  await read.appCredentials.find({ userId: any(id) })
  await read.appCredentials.find({ userId: any(id), name: "x" }, page)
  await read.keys.find({ accountId, fingerprint: "x" })
  await read.keys.find({ userId: any(id) })
  await read.volumes.find({ machineId: any(id) })
  await read.volumes.find({ fromSnapshotId: any(id) })
  await read.machines.find({ state: "running" })
  await read.snapshots.find({ sourceId }, page)
  await read.snapshots.find({ sourceId, state: "ready" })
  await read.snapshots.find({ parentId: any(id) })
  await read.snapshots.find({ state: "failed" })
  await read.snapshots.find({ recovery: true })
  await read.points.find({ snapshotId: any(id) })
  await read.points.find({ volumeId: any(id) }, page)
  const shown = { state: ["creating", "ready", "failed"], recovery: false } as const
  await read.points.page({ snapshot: shown }, back)
  await read.points.page({ point: { accountId }, snapshot: shown }, back)
  await read.points.page({ point: { accountId }, snapshot: shown }, { ...page, offset: 10 })
  await read.points.page({ point: { accountId, volumeId: any(id) }, snapshot: shown }, back)
  await read.points.countIn({ point: { accountId }, snapshot: shown })
  await read.points.countIn({ point: { accountId }, snapshot: { ...shown, accountId, name: "x" } })
  await read.points.countIn({ point: { accountId }, snapshot: shown, volume: { type: "SSD" } })
  await read.operations.find({ targetId: id }, back)
  await read.operations.find({ state: "stuck" })
  await read.operations.find({ subjectId: id }, back)
  await read.operations.find({ targetId: id, dismissed: false }, back)
  await read.operations.holding(id)
  await read.operations.firstHolding([id, sourceId])
  await read.operations.log(any(id))
  await read.events.after(1, accountId, 10)
  await read.events.after(1, null, 10)
  await read.repeats.get(id, id)
  await read.standing.get(id)
  await read.standing.among([id, sourceId])
  await read.operations.sum("reservedBytes", { node: "x" })
  await read.operations.sum("reservedBytes", { node: "x", accountId })
  await read.snapshots.sum("memoryBytes", { accountId })
  await read.volumes.sum("sizeBytes", { accountId, state: any("available") })
  await read.snapshots.count({ sourceId, recovery: false, state: ["creating", "ready"] })

  const row = snapshot()
  const order = operation()
  await ledger.transaction(async (rooms) => {
    await rooms.snapshots.add(row)
    await rooms.snapshots.change(row.id, { state: "ready" })
    await rooms.operations.enqueue(order, ["a"])
    await rooms.standing.move(row.id, null)
    await rooms.standing.move(row.id, newId())
    await rooms.events.trim(10)
    await rooms.repeats.forgetBefore(1)
    await rooms.tokens.forgetExpired(1)
    await rooms.operations.forgetEnded(1, 100)
  })
  await ledger.claimThese([order.id], order.node, 1, 1)
  await ledger.claim(order.node, 1, 1)
  await ledger.renew(order.id, 1, 1)
  await ledger.fenced(order.id, 1, (rooms) => rooms.operations.release(order.id))
  await ledger.expireLeases(order.node)
  await ledger.engineMemory("qcow2").transaction(async (tx) => {
    await tx.get("layer", id)
    await tx.children("layer", id)
    await tx.all("layer")
    await tx.remove("layer", id)
  })
}
