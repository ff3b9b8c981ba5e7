/**
 * Trees of volumes that grow at random, on an engine and in a model of it. What each step does is
 * said in words, with short names, so that a run that fails can be read.
 */
import { newId, type PointId, type VolumeId } from "../../src/domain/ids.ts"
import { bytesOf, content } from "../../src/engines/content.suite.ts"
import type { Engine } from "../../src/engines/engine.ts"
import type { Opener, Rig } from "../../src/engines/engine-rig.suite.ts"
import { Model } from "../../src/engines/model.suite.ts"

/** A process that has some volumes open. */
export type Held = { opener: Opener; volumes: VolumeId[]; name: string }

export class Grove {
  readonly rig: Rig
  readonly model = new Model()
  readonly said: string[] = []
  held: Held[] = []
  /** How often the light went out. */
  darknesses = 0
  readonly #names = new Map<string, string>()
  #count = 0

  constructor(rig: Rig) {
    this.rig = rig
  }

  say(words: string): void {
    this.said.push(words)
  }

  /** Names are given in the order of birth, so a shorter run may give others. */
  newVolume(): VolumeId {
    return this.#named(newId<"volume">(), "v")
  }
  newPoint(): PointId {
    return this.#named(newId<"point">(), "p")
  }
  newName(letter: string): string {
    return `${letter}${++this.#count}`
  }
  name(id: string): string {
    return this.#names.get(id) ?? id
  }
  #named<I extends string>(id: I, letter: string): I {
    this.#names.set(id, this.newName(letter))
    return id
  }

  /** Bytes that were never written before. */
  fresh(length: number): Buffer {
    return content(`content ${++this.#count}`, length)
  }

  /**
   * Where the light goes out in its midst, the next server does it again. `between`: done before
   * that, for verbs that change nothing of what is known.
   */
  async verb<T>(work: (engine: Engine) => Promise<T>, between = async () => {}): Promise<T> {
    try {
      return await work(this.rig.engine)
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.includes("the light went out")) throw cause
      this.say("  the light goes out, and comes back")
      this.darknesses++
      await this.restart()
      await between()
      return await work(this.rig.engine)
    }
  }

  async restart(): Promise<void> {
    await this.rig.restart()
    if (this.rig.restartEndsOpeners) this.held = []
  }

  /** Upkeep must not be noticed, least of all when it is interrupted. */
  unnoticed<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.verb(work, () => this.checkAll())
  }

  get volumes(): VolumeId[] {
    return [...this.model.heads.keys()]
  }
  get points(): PointId[] {
    return [...this.model.points.keys()]
  }

  openerOf(volume: VolumeId): Opener | undefined {
    return this.held.find(({ volumes }) => volumes.includes(volume))?.opener
  }

  /** One process opens these. */
  async open(volumes: VolumeId[]): Promise<void> {
    const graphs = []
    for (const volume of volumes) graphs.push(await this.verb((engine) => engine.open(volume)))
    const name = this.newName("o")
    const opener = await this.rig.opener(graphs)
    this.held.push({ opener, volumes, name })
    this.say(`open ${volumes.map((volume) => this.name(volume)).join(" ")} in ${name}`)
  }

  async end({ opener, name }: Held, how: "close" | "kill"): Promise<void> {
    this.held = this.held.filter((other) => other.opener !== opener)
    await opener[how]()
    this.say(`${how} ${name}`)
  }

  async close(volume: VolumeId, how: "close" | "kill"): Promise<void> {
    const holder = this.held.find(({ volumes }) => volumes.includes(volume))
    if (holder !== undefined) await this.end(holder, how)
  }

  /** What is known from before is what somebody finds who knows nothing yet. */
  async checkSpaces(): Promise<void> {
    const { points, rig } = this
    const known = await rig.engine.space(points)
    const other = await rig.another()
    const found = await other.space(points)
    await other.close()
    for (const [point, space] of found) {
      const told = JSON.stringify(known.get(point))
      if (told === JSON.stringify(space)) continue
      throw new Error(`${this.name(point)} is told to hold ${told}, not ${JSON.stringify(space)}`)
    }
  }

  async check(of: { volume: VolumeId } | { point: PointId }): Promise<void> {
    const right = this.model.content(of).bytes()
    const opener = "volume" in of ? this.openerOf(of.volume) : undefined
    const bytes =
      "volume" in of && opener !== undefined
        ? await opener.read(of.volume, 0, right.length)
        : await this.verb((engine) => bytesOf(engine, of))
    if (bytes.equals(right)) return
    const at = bytes.findIndex((byte, index) => byte !== right[index])
    const name = this.name("volume" in of ? of.volume : of.point)
    throw new Error(`${name} reads wrong from byte ${at} on (${bytes.length} of ${right.length})`)
  }

  async checkAll(): Promise<void> {
    for (const volume of this.volumes) await this.check({ volume })
    for (const point of this.points) await this.check({ point })
    const found = await this.verb((engine) => engine.examine())
    if (found.length > 0) throw new Error(found.map(({ what }) => what).join("; "))
    const { volumes, points } = await this.verb((engine) => engine.holdings())
    same("volumes", volumes, this.volumes)
    same("points", points, this.points)
    await this.checkStrays()
  }

  async checkStrays(): Promise<void> {
    for (const { opener, name } of this.held) {
      const strays = await opener.strays()
      if (strays.length > 0) throw new Error(`${name} has ${strays.join(", ")} open`)
    }
  }
}

function same(what: string, held: readonly string[], known: readonly string[]): void {
  const [a, b] = [held.toSorted().join(), known.toSorted().join()]
  if (a !== b) throw new Error(`${what} held: ${a}; known: ${b}`)
}
