import type { Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { FrontStore, KeptFront } from '../../front-store.ts'

/** The newest fronts, in memory. */
export class MemoryFrontStore implements FrontStore {
  readonly #fronts: MemoryTable<Instant, KeptFront>

  constructor(database: MemoryDatabase) {
    this.#fronts = database.table()
  }

  async add(front: KeptFront, keep: number): Promise<void> {
    this.#fronts.set(front.plannedAt, front)
    for (const { plannedAt } of this.#newestFirst().slice(keep)) this.#fronts.delete(plannedAt)
  }

  async list({ before = Infinity, limit }: Parameters<FrontStore['list']>[0]): Promise<KeptFront[]> {
    return this.#newestFirst()
      .filter(({ plannedAt }) => plannedAt < before)
      .slice(0, limit)
  }

  #newestFirst(): KeptFront[] {
    return [...this.#fronts.values()].sort((a, b) => b.plannedAt - a.plannedAt)
  }
}
