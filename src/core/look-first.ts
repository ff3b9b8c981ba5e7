/**
 * Some rules need to know what takes longer to find out than a transaction may last, such as how
 * many bytes lie on disk. What was found out a moment ago is known; where nothing is, the rule
 * throws this, and the transaction is begun again when its `look` is done.
 */
export class LookFirst extends Error {
  readonly look: () => Promise<unknown>
  constructor(look: () => Promise<unknown>) {
    super("something must be looked up before the transaction")
    this.look = look
  }
}

const mostTries = 5

export async function lookingFirst<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction()
    } catch (cause) {
      if (!(cause instanceof LookFirst) || tries === mostTries) throw cause
      await cause.look()
    }
  }
}
