import { NO_SLOT } from './slab.ts'

/**
 * Holds slots until they are due: a timing wheel (Varghese and Lauck 1987) of one-millisecond ticks. Putting in and taking
 * out cost O(1); a delay longer than one turn of the wheel simply stays for the next. Nothing is allocated.
 */
export class DelayWheel {
  /** First slot of each tick's list, and the next of each slot. */
  readonly #first: Int32Array
  readonly #next: Int32Array
  /** Tick each slot is due at. */
  readonly #due: Float64Array
  readonly #mask: number
  #tick: number
  #held = 0

  /** `ticks` is a power of two; `slots` as many as the slab has; `now` the tick it begins at. */
  constructor({ ticks, slots, now }: { readonly ticks: number; readonly slots: number; readonly now: number }) {
    this.#first = new Int32Array(ticks).fill(NO_SLOT)
    this.#next = new Int32Array(slots)
    this.#due = new Float64Array(slots)
    this.#mask = ticks - 1
    this.#tick = Math.floor(now)
  }

  get held(): number {
    return this.#held
  }

  /** Holds the slot until the tick after `dueAt`, in milliseconds of the caller's clock: never before its time. */
  put(slot: number, dueAt: number): void {
    const due = Math.max(this.#tick + 1, Math.ceil(dueAt))
    const place = due & this.#mask
    this.#due[slot] = due
    this.#next[slot] = this.#first[place]!
    this.#first[place] = slot
    this.#held += 1
  }

  /** Hands out every slot that is due by `now`, in order of ticks. */
  advance(now: number, release: (slot: number) => void): void {
    const until = Math.floor(now)
    if (this.#held === 0) {
      this.#tick = Math.max(this.#tick, until)
      return
    }
    // After a long pause every list is looked at once; what is due is known by its own tick.
    const from = Math.max(this.#tick + 1, until - this.#mask)
    for (let tick = from; tick <= until; tick++) {
      this.#tick = tick
      this.#empty(tick & this.#mask, until, release)
    }
    this.#tick = Math.max(this.#tick, until)
  }

  #empty(place: number, until: number, release: (slot: number) => void): void {
    let slot = this.#first[place]!
    let kept = NO_SLOT
    while (slot !== NO_SLOT) {
      const next = this.#next[slot]!
      if (this.#due[slot]! <= until) {
        this.#held -= 1
        release(slot)
      } else {
        this.#next[slot] = kept
        kept = slot
      }
      slot = next
    }
    this.#first[place] = kept
  }
}
