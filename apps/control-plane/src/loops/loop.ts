import type { Clock } from '@fog/kernel'
import type { Log } from '../platform.ts'

export interface LoopDependencies {
  readonly clock: Clock
  readonly log: Log
  /** Told of each step that failed. */
  readonly onFault?: (loop: string) => void
}

export interface LoopOptions {
  readonly name: string
  /** How long it rests when there was nothing to do and nobody woke it. */
  readonly idleMs: number
  /** How long it rests after a fault, doubled each time up to `idleMs` times ten. */
  readonly faultMs?: number
}

/**
 * Runs one step again and again until its signal aborts. A step does one batch and says whether there is more; a wake-up
 * only shortens the rest, so a missed one costs time, never truth. A fault is logged and the step tried again.
 */
export class Loop {
  readonly #clock: Clock
  readonly #log: Log
  readonly #onFault: ((loop: string) => void) | undefined
  readonly #options: LoopOptions
  readonly #step: (signal: AbortSignal) => Promise<'more' | 'idle'>
  #woken = false
  #wake: (() => void) | undefined
  #faults = 0

  constructor(
    { clock, log, onFault }: LoopDependencies,
    options: LoopOptions,
    step: (signal: AbortSignal) => Promise<'more' | 'idle'>,
  ) {
    this.#clock = clock
    this.#log = log
    this.#onFault = onFault
    this.#options = options
    this.#step = step
  }

  /** Asks for a step at once, or right after the one that runs. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  /** Resolves when the signal has aborted and the last step has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#woken = false
      const outcome = await this.#attempt(signal)
      if (outcome === 'more' || this.#woken) continue
      await this.#rest(outcome === 'fault' ? this.#faultRest() : this.#options.idleMs, signal)
    }
  }

  async #attempt(signal: AbortSignal): Promise<'more' | 'idle' | 'fault'> {
    try {
      const outcome = await this.#step(signal)
      this.#faults = 0
      return outcome
    } catch (fault) {
      if (signal.aborted) return 'idle'
      this.#faults += 1
      this.#onFault?.(this.#options.name)
      this.#log.error(
        { err: fault, loop: this.#options.name, faults: this.#faults },
        'a loop failed and will try again',
      )
      return 'fault'
    }
  }

  #faultRest(): number {
    const { faultMs = 100, idleMs } = this.#options
    // A woken loop that keeps failing must not spin.
    return Math.min(faultMs * 2 ** Math.min(this.#faults - 1, 10), Math.max(idleMs * 10, faultMs))
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    // Told to stop during the step: nobody would end this rest.
    if (signal.aborted) return
    const rest = new AbortController()
    const stop = () => rest.abort()
    signal.addEventListener('abort', stop, { once: true })
    if (this.#faults === 0) this.#wake = stop
    try {
      await this.#clock.sleep(ms, rest.signal)
    } catch {
      // Woken, or told to stop: the loop's condition tells which.
    } finally {
      this.#wake = undefined
      signal.removeEventListener('abort', stop)
    }
  }
}
