/** The longest a Node timer can wait; a longer limit is waited for in parts. */
const MOST_TIMER_MS = 2_000_000_000

/** Counts how long a run has really been running: from its beginning on, and not while its process is stopped. */
export class RunClock {
  readonly #limitMs: number
  readonly #onLimit: () => void
  #ranMs = 0
  #runningSinceMs: number | undefined
  #hasBegun = false
  #mayRun = false
  #timer: NodeJS.Timeout | undefined

  constructor(limitMs: number, onLimit: () => void) {
    this.#limitMs = limitMs
    this.#onLimit = onLimit
  }

  get elapsedMs(): number {
    return this.#ranMs + (this.#runningSinceMs === undefined ? 0 : performance.now() - this.#runningSinceMs)
  }

  /** The process is there, and what is asked of it counts from now on. */
  begin(): void {
    this.#hasBegun = true
    if (this.#mayRun) this.run()
  }

  run(): void {
    this.#mayRun = true
    if (!this.#hasBegun || this.#runningSinceMs !== undefined) return
    this.#runningSinceMs = performance.now()
    this.#arm()
  }

  pause(): void {
    this.#mayRun = false
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
