import type { Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { RunHistory, RunStore } from './run-history.ts'

/** The memory twin. */
export class MemoryRunStore implements RunStore {
  readonly #histories: MemoryTable<string, RunHistory>

  constructor(database: MemoryDatabase) {
    this.#histories = database.table()
  }

  async recall(keys: readonly string[]): Promise<RunHistory[]> {
    return [...new Set(keys)].sort().flatMap((key) => this.#histories.get(key) ?? [])
  }

  async keep(histories: readonly RunHistory[]): Promise<void> {
    for (const history of histories) this.#histories.set(history.key, history)
  }

  async forget(before: Instant, limit: number): Promise<number> {
    const old = [...this.#histories.values()]
      .filter(({ learnedAt }) => learnedAt < before)
      .sort((a, b) => a.learnedAt - b.learnedAt)
      .slice(0, limit)
    for (const { key } of old) this.#histories.delete(key)
    return old.length
  }
}
