/** What an engine remembers, and the memory that the ledger lends it. */

/** A record of the engine's own; `kind` and `id` together are its key, `parent` is indexed. */
export type EngineRecord = { kind: string; id: string; parent: string | null; body: unknown }

export interface EngineMemoryTx {
  get(kind: string, id: string): Promise<EngineRecord | undefined>
  /** All of one kind whose `parent` is this. */
  children(kind: string, parent: string): Promise<EngineRecord[]>
  all(kind: string): Promise<EngineRecord[]>
  put(record: EngineRecord): Promise<void>
  remove(kind: string, id: string): Promise<void>
}

/** Lent by the ledger. A transaction is atomic, durable, and serial with every other. */
export interface EngineMemory {
  /**
   * `later`: everybody sees it at once and it survives our end, but a power cut only from the next
   * durable commit on. For what means nothing before the operation is recorded as done, and of
   * which no file is removed.
   */
  transaction<T>(work: (tx: EngineMemoryTx) => Promise<T>, durable?: "later"): Promise<T>
  /** One record as it is now, outside of any transaction. */
  get(kind: string, id: string): Promise<EngineRecord | undefined>
}
