/**
 * Tables in memory with one transaction at a time, so that a memory store behaves as the database does:
 * all of a transaction or none of it.
 */
export class MemoryDatabase {
  #undo: (() => void)[] | undefined
  #last: Promise<unknown> = Promise.resolve()

  table<Key, Row>(): MemoryTable<Key, Row> {
    return new MemoryTable<Key, Row>((undo) => this.#undo?.push(undo))
  }

  /** Runs `work` alone. When it throws, every change it made is taken back. */
  transact<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => this.#run(work))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const undo: (() => void)[] = []
    this.#undo = undo
    try {
      return await work()
    } catch (fault) {
      this.#undo = undefined
      for (const step of undo.reverse()) step()
      throw fault
    } finally {
      this.#undo = undefined
    }
  }
}

/** One table. Rows are replaced, never changed in place. */
export class MemoryTable<Key, Row> {
  readonly #rows = new Map<Key, Row>()
  readonly #remember: (undo: () => void) => void

  constructor(remember: (undo: () => void) => void) {
    this.#remember = remember
  }

  get(key: Key): Row | undefined {
    return this.#rows.get(key)
  }

  has(key: Key): boolean {
    return this.#rows.has(key)
  }

  get size(): number {
    return this.#rows.size
  }

  values(): IterableIterator<Row> {
    return this.#rows.values()
  }

  set(key: Key, row: Row): void {
    const had = this.#rows.has(key)
    const before = this.#rows.get(key)
    this.#remember(() => (had ? this.#rows.set(key, before as Row) : this.#rows.delete(key)))
    this.#rows.set(key, row)
  }

  delete(key: Key): boolean {
    const before = this.#rows.get(key)
    if (!this.#rows.delete(key)) return false
    this.#remember(() => this.#rows.set(key, before as Row))
    return true
  }
}
