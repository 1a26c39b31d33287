import type { Instant, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { EventCursor, EventLog, FogEvent } from '../../ports.ts'

/** The feed in memory. Transactions run one at a time, so the order of events is that of commits. */
export class MemoryEventLog implements EventLog {
  /** By place, in order. */
  readonly #events: MemoryTable<number, FogEvent>
  /** The place of the last event that ever was; places are not used twice. */
  readonly #last: MemoryTable<'last', number>

  constructor(database: MemoryDatabase) {
    this.#events = database.table()
    this.#last = database.table()
  }

  async append(events: readonly FogEvent[]): Promise<void> {
    let place = this.#place()
    for (const event of events) this.#events.set((place += 1), event)
    this.#last.set('last', place)
  }

  async read(after: EventCursor | undefined, limit: number) {
    const last = this.#place()
    const found: (FogEvent & { readonly cursor: EventCursor })[] = []
    for (let place = parseCursor(after) + 1; place <= last && found.length < limit; place += 1) {
      const event = this.#events.get(place)
      if (event) found.push({ ...event, cursor: String(place) })
    }
    return found
  }

  async head(): Promise<EventCursor> {
    return String(this.#place())
  }

  async prune(before: Instant, limit: number): Promise<number> {
    let pruned = 0
    for (let place = 1; place <= this.#place() && pruned < limit; place += 1) {
      const event = this.#events.get(place)
      if (event && event.at < before && this.#events.delete(place)) pruned += 1
    }
    return pruned
  }

  #place(): number {
    return this.#last.get('last') ?? 0
  }
}

/** A cursor that is none of ours reads from the start. */
function parseCursor(cursor: EventCursor | undefined): number {
  return /^\d{1,15}$/.test(cursor ?? '') ? Number(cursor) : 0
}
