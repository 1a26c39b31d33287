/** The longest a Node timer can wait; a longer limit is waited for in parts. */
const MOST_TIMER_MS = 2_000_000_000

/** Counts how long a run has really been running: while its process is stopped, its time stands still. */
export class RunClock {
  readonly #limitMs: number
  readonly #onLimit: () => void
  #ranMs = 0
  #runningSinceMs: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(limitMs: number, onLimit: () => void) {
    this.#limitMs = limitMs
    this.#onLimit = onLimit
  }

  get elapsedMs(): number {
    return this.#ranMs + (this.#runningSinceMs === undefined ? 0 : performance.now() - this.#runningSinceMs)
  }

  run(): void {
    if (this.#runningSinceMs !== undefined) return
    this.#runningSinceMs = performance.now()
    this.#arm()
  }

  pause(): void {
    this.#ranMs = this.elapsedMs
    this.#runningSinceMs = undefined
    clearTimeout(this.#timer)
  }

  #arm(): void {
    const leftMs = this.#limitMs - this.elapsedMs
    if (leftMs <= 0) return this.#onLimit()
    this.#timer = setTimeout(() => this.#arm(), Math.min(Math.ceil(leftMs), MOST_TIMER_MS))
  }
}
