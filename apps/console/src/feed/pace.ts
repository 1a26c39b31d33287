import type { Refresh } from './updates.ts'

/**
 * Decides when queries are read again. Each is read at once after a quiet time and no more often than it asks while
 * events keep coming; the last event is always followed by a read. Pure: it is handed the time.
 */
export class Pace {
  readonly #lastReadAt = new Map<string, number>()
  readonly #waiting = new Map<string, Refresh>()

  /** Notes that these queries are out of date. */
  add(refreshes: readonly Refresh[]): void {
    for (const refresh of refreshes) {
      const name = nameOf(refresh)
      const other = this.#waiting.get(name)
      if (!other || refresh.everyMs < other.everyMs) this.#waiting.set(name, refresh)
    }
  }

  /** Takes out those whose time has come. */
  takeDue(now: number): Refresh[] {
    const due = [...this.#waiting.values()].filter((refresh) => this.#dueAt(refresh) <= now)
    for (const refresh of due) {
      this.#waiting.delete(nameOf(refresh))
      this.#lastReadAt.set(nameOf(refresh), now)
    }
    return due
  }

  /** When `takeDue` next has something, or undefined when nothing waits. */
  nextAt(): number | undefined {
    if (this.#waiting.size === 0) return undefined
    return Math.min(...[...this.#waiting.values()].map((refresh) => this.#dueAt(refresh)))
  }

  /** Forgets everything, after all queries were read anew. */
  clear(): void {
    this.#waiting.clear()
    this.#lastReadAt.clear()
  }

  #dueAt(refresh: Refresh): number {
    return (this.#lastReadAt.get(nameOf(refresh)) ?? Number.NEGATIVE_INFINITY) + refresh.everyMs
  }
}

function nameOf(refresh: Refresh): string {
  return refresh.key.join('/')
}
