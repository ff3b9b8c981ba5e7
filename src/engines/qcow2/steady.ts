/**
 * Who stands on whom may change at any moment but one: while a verb holds layers' ids from one
 * transaction to the next. Such verbs run **shared**, any number at once; the commit of upkeep,
 * which puts layers in the place of others, runs **exclusive**, alone.
 *
 * In the order of asking: a commit is not put off for ever by a stream of short verbs. So a verb
 * must not ask a second time inside its own turn: the engine's wiring asks for it, or, where only
 * a part of it holds ids and the rest may take minutes, the verb itself does.
 */
export class Steady {
  #shared = 0
  #exclusive = false
  readonly #waiting: { exclusive: boolean; go(): void }[] = []

  readonly shared = <T>(work: () => Promise<T>): Promise<T> => this.#turn(false, work)

  readonly exclusive = <T>(work: () => Promise<T>): Promise<T> => this.#turn(true, work)

  async #turn<T>(exclusive: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#free(exclusive)) this.#enter(exclusive)
    else await new Promise<void>((go) => this.#waiting.push({ exclusive, go }))
    try {
      return await work()
    } finally {
      if (exclusive) this.#exclusive = false
      else this.#shared -= 1
      this.#next()
    }
  }

  #free(exclusive: boolean): boolean {
    return !this.#exclusive && (!exclusive || this.#shared === 0)
  }

  #enter(exclusive: boolean): void {
    if (exclusive) this.#exclusive = true
    else this.#shared += 1
  }

  /** Whoever goes has entered before anyone else can ask. */
  #next(): void {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      if (!this.#free(first.exclusive)) return
      this.#waiting.shift()
      this.#enter(first.exclusive)
      first.go()
    }
  }
}
