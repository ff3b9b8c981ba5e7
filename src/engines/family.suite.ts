/** Volumes that are related, on an engine and in a model of it, and what is done to them. */
import { expect } from "vitest"
import type { PointId, VolumeId } from "../domain/ids.ts"
import { bytesOf, content, mebi, pointId, volumeId, watch } from "./content.suite.ts"
import type { Opener, Rig, Zeroing } from "./engine-rig.suite.ts"
import { Model, type Run } from "./model.suite.ts"

export type Movable = Pick<Opener, "restack" | "strays">
export type Write = Run & { zero?: Zeroing }

export class Family {
  readonly model = new Model()
  readonly #rig: () => Rig
  #words = 0

  constructor(rig: () => Rig) {
    this.#rig = rig
  }

  get #engine() {
    return this.#rig().engine
  }

  async volume(sizeBytes = 4 * mebi): Promise<VolumeId> {
    const volume = volumeId()
    await this.#engine.createHead(volume, { sizeBytes })
    this.model.create(volume, sizeBytes)
    return volume
  }

  async grow(volume: VolumeId, sizeBytes: number): Promise<void> {
    await this.#engine.growHead(volume, sizeBytes)
    this.model.grow(volume, sizeBytes)
  }

  /** In pieces of 16 granules, never twice the same bytes, by an opener that closes after. */
  async write(volume: VolumeId, ...writes: readonly Write[]): Promise<void> {
    const opener = await this.#rig().opener([await this.#engine.open(volume)])
    for (const write of writes) await this.writeThrough(opener, volume, write)
    await opener.close()
  }

  async writeThrough(opener: Opener, volume: VolumeId, { zero, ...run }: Write): Promise<void> {
    const { offset, length } = run
    const bytes = zero ? Buffer.alloc(length) : content(`written ${++this.#words}`, length)
    if (zero === undefined) await opener.write(volume, offset, bytes)
    else await opener.zero(volume, run, zero)
    this.model.write(volume, offset, bytes)
  }

  async keep(volume: VolumeId): Promise<PointId> {
    const point = pointId()
    await this.#engine.createPoint(volume, point)
    this.model.keep(volume, point)
    return point
  }

  /** Of an open disk: armed, switched, recorded. */
  async keepOpen(opener: Opener, volume: VolumeId): Promise<PointId> {
    const point = pointId()
    await opener.switchDisks([await this.#engine.arm(volume)])
    this.model.keep(volume, point)
    await this.#engine.switched([{ volume, point }])
    return point
  }

  async clone(point: PointId, sizeBytes?: number): Promise<VolumeId> {
    const volume = volumeId()
    const size = sizeBytes ?? this.model.content({ point }).sizeBytes
    await this.#engine.createHead(volume, { sizeBytes: size, point })
    this.model.create(volume, size, point)
    return volume
  }

  /** Resolves with the point that keeps what the head held. */
  async revert(volume: VolumeId, to: PointId): Promise<PointId> {
    const keep = pointId()
    await this.#engine.revertHead(volume, to, keep)
    this.model.keep(volume, keep, to)
    return keep
  }

  async drop(...points: readonly PointId[]): Promise<void> {
    for (const point of points) {
      await this.#engine.dropPoint(point)
      this.model.points.delete(point)
    }
  }

  async dropHead(volume: VolumeId): Promise<void> {
    await this.#engine.dropHead(volume)
    this.model.heads.delete(volume)
  }

  /** All the work there is, and what it leads to; resolves with how much it was. */
  async upkeep(openers: readonly Movable[] = [], meanwhile = async () => {}): Promise<number> {
    for (let count = 0; ; ) {
      const works = await this.#engine.upkeep()
      if (works.length === 0) return count
      for (const { id } of works) {
        await this.#engine.prepare(id, watch())
        await meanwhile()
        await this.replace(id, openers, meanwhile)
        count++
      }
      expect(count, "upkeep without an end").toBeLessThan(200)
    }
  }

  async replace(id: string, openers: readonly Movable[], meanwhile = async () => {}) {
    const restack = await this.#engine.commit(id)
    await meanwhile()
    if (restack !== null) for (const opener of openers) await opener.restack(restack)
    await meanwhile()
    await this.#engine.finish(id)
    for (const opener of openers) expect(await opener.strays()).toEqual([])
  }

  /** All of them, but for volumes that somebody has open. */
  async expectAll(open: ReadonlyMap<VolumeId, Opener> = new Map()): Promise<void> {
    for (const point of this.model.points.keys()) {
      const right = this.model.content({ point }).bytes()
      expect((await bytesOf(this.#engine, { point })).equals(right), `point ${point}`).toBe(true)
    }
    for (const volume of this.model.heads.keys()) {
      const right = this.model.content({ volume }).bytes()
      const opener = open.get(volume)
      const bytes = opener
        ? await opener.read(volume, 0, right.length)
        : await bytesOf(this.#engine, { volume })
      expect(bytes.equals(right), `volume ${volume}`).toBe(true)
    }
    expect(await this.#engine.examine()).toEqual([])
  }

  async dropAll(): Promise<void> {
    await this.drop(...this.model.points.keys())
    for (const volume of this.model.heads.keys()) await this.dropHead(volume)
    for (const { id } of await this.#engine.upkeep()) await this.replace(id, [])
    expect(await this.#rig().leftovers()).toEqual([])
  }
}
