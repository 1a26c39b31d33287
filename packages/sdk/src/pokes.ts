import type { EventView } from '@fog/contract'
import type { Clock } from '@fog/kernel'

/** An event is only a poke: without one for this long, whoever waits looks anyway. */
const LOOK_ANYWAY_MS = 5_000
/** Looks come at least this far apart, and further the longer one has waited: a long job must not use up its owner's requests. */
const FIRST_PACE_MS = 100
const LONGEST_PACE_MS = 1_000
const PACE_SHARE = 20

/** Turns a feed into "look again". Its end or failure is no news: looking goes on by time. */
export class Pokes {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #startedAt: number
  #happened = false
  #isUrgent = false
  #wake: (() => void) | undefined

  constructor({ clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }) {
    this.#clock = clock
    this.#signal = signal
    this.#startedAt = clock.now()
  }

  /** Something happened. What is urgent does not wait for its turn. */
  poke({ isUrgent = false }: { readonly isUrgent?: boolean } = {}): void {
    this.#happened = true
    this.#isUrgent ||= isUrgent
    this.#wake?.()
  }

  /** Pokes for each event until the feed ends. */
  async follow(events: AsyncIterable<EventView>, isUrgent: (event: EventView) => boolean): Promise<void> {
    try {
      for await (const event of events) this.poke({ isUrgent: isUrgent(event) })
    } catch {
      // The caller looks anyway, a little later.
    }
  }

  /** Resolves when it is time to look again; rejects with the signal's reason. */
  async next(): Promise<void> {
    const waited = this.#clock.now() - this.#startedAt
    const paceMs = Math.min(LONGEST_PACE_MS, Math.max(FIRST_PACE_MS, waited / PACE_SHARE))
    await this.#until(() => this.#isUrgent, paceMs)
    await this.#until(() => this.#happened, LOOK_ANYWAY_MS)
    this.#happened = false
    this.#isUrgent = false
  }

  async #until(holds: () => boolean, atMostMs: number): Promise<void> {
    this.#signal.throwIfAborted()
    if (holds()) return
    const woken = new AbortController()
    this.#wake = () => holds() && woken.abort()
    await this.#clock.sleep(atMostMs, AbortSignal.any([this.#signal, woken.signal])).catch(() => undefined)
    this.#wake = undefined
    this.#signal.throwIfAborted()
  }
}
