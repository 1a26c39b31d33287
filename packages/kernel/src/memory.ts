/**
 * Tables in memory with one transaction at a time, so that a memory store behaves as the database does:
 * all of a transaction or none of it.
 */
export class MemoryDatabase {
  #undo: (() => void)[] | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** `onChange` hears of every change and of every change taken back, so that indexes follow their table. */
  table<Key, Row>(onChange: OnRowChange<Row> = () => {}): MemoryTable<Key, Row> {
    return new MemoryTable<Key, Row>((undo) => this.#undo?.push(undo), onChange)
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

/** A row as it was and as it is now: undefined where there is none. */
export type OnRowChange<Row> = (before: Row | undefined, after: Row | undefined) => void

/** One table. Rows are replaced, never changed in place. */
export class MemoryTable<Key, Row> {
  readonly #rows = new Map<Key, Row>()
  readonly #remember: (undo: () => void) => void
  readonly #onChange: OnRowChange<Row>

  constructor(remember: (undo: () => void) => void, onChange: OnRowChange<Row> = () => {}) {
    this.#remember = remember
    this.#onChange = onChange
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
    const before = this.#rows.get(key)
    this.#put(key, row)
    this.#remember(() => this.#put(key, before))
  }

  delete(key: Key): boolean {
    const before = this.#rows.get(key)
    if (before === undefined) return false
    this.#put(key, undefined)
    this.#remember(() => this.#put(key, before))
    return true
  }

  #put(key: Key, row: Row | undefined): void {
    const before = this.#rows.get(key)
    if (row === undefined) this.#rows.delete(key)
    else this.#rows.set(key, row)
    this.#onChange(before, row)
  }
}
