/** A point in time, in milliseconds since 1970-01-01 UTC. */
export type Instant = number

/** Where time comes from. Nothing below `apps/` reads the machine's clock itself. */
export interface Clock {
  now(): Instant
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A clock that stands still until it is moved by hand. */
export class ManualClock implements Clock {
  #now: Instant
  #sleepers: Sleeper[] = []

  constructor(startAt: Instant = Date.UTC(2026, 0, 1)) {
    this.#now = startAt
  }

  now(): Instant {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { wakesAt: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal.reason)
      })
    })
  }

  /** Moves time forward and wakes whoever is due, earliest first. */
  advance(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter((sleeper) => sleeper.wakesAt <= this.#now)
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.wakesAt > this.#now)
    due.sort((a, b) => a.wakesAt - b.wakesAt).forEach((sleeper) => sleeper.wake())
  }
}

interface Sleeper {
  readonly wakesAt: Instant
  readonly wake: () => void
}

/** RFC 3339 in UTC, as instants are shown outside the platform. */
export function toRfc3339(at: Instant): string {
  return new Date(at).toISOString()
}
