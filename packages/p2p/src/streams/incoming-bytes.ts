import { concat } from '@fog/kernel'
import type { ByteBudget } from './byte-budget.ts'
import { FIRST_WINDOW_BYTES } from './stream-options.ts'

/** Pieces shorter than this are put together, so that many small ones cost no more than their bytes. */
const SMALL_BYTES = 1_024

/** What was done with bytes that came; otherwise what rule they break. */
export type Taken = { readonly ok: true; readonly isNew: boolean } | { readonly ok: false; readonly what: string }

/** The half of a stream that comes: bytes in any order in, in their order out. Never holds more than it promised to take. */
export class IncomingBytes {
  readonly #budget: ByteBudget
  readonly #windowBytes: number
  readonly #mostScattered: number
  /** In order, not read yet. */
  readonly #ready: Uint8Array[] = []
  /** By where they stand, beyond a gap. */
  readonly #scattered = new Map<number, Uint8Array>()
  #arrivedTo = 0
  #readTo = 0
  #limit = FIRST_WINDOW_BYTES
  #toldLimit = FIRST_WINDOW_BYTES
  /** How much there was to send within it when it was told. */
  #toldWindow = FIRST_WINDOW_BYTES
  /** Of the budget. Never less than a first window while the stream lives, so that none can starve another. */
  #held = FIRST_WINDOW_BYTES
  #endsAt: number | undefined
  #isOver = false

  /** `budget` has given the first window already. */
  constructor(
    budget: ByteBudget,
    { windowBytes, mostScattered }: { readonly windowBytes: number; readonly mostScattered: number },
  ) {
    this.#budget = budget
    this.#windowBytes = windowBytes
    this.#mostScattered = mostScattered
  }

  /** Bytes held. */
  get bufferedBytes(): number {
    const scattered = this.#scattered.values().reduce((sum, bytes) => sum + bytes.length, 0)
    return this.#arrivedTo - this.#readTo + scattered
  }

  /** Whether all there will ever be has come. */
  get isWhole(): boolean {
    return this.#arrivedTo === this.#endsAt
  }

  /** Whether all there will ever be was read. */
  get isFinished(): boolean {
    return this.#readTo === this.#endsAt
  }

  /** Whether the other end should hear of room soon: half of what it may send is used up. */
  get isWindowDue(): boolean {
    if (this.#endsAt !== undefined || this.#isOver) return false
    const wanted = this.#readTo + this.#windowBytes
    return wanted > this.#toldLimit && this.#toldLimit - this.#readTo <= this.#toldWindow / 2
  }

  /** Takes bytes at their place; those that came before change nothing. */
  take(offset: number, bytes: Uint8Array, isEnd: boolean): Taken {
    const end = offset + bytes.length
    if (end > this.#limit) return broken('more was sent than was allowed')
    if (this.#endsAt !== undefined && (end > this.#endsAt || (isEnd && end !== this.#endsAt)))
      return broken('it has two ends')
    if (offset < this.#arrivedTo || (offset === this.#arrivedTo && bytes.length === 0 && !isEnd))
      return end <= this.#arrivedTo ? { ok: true, isNew: false } : broken('frames overlap')
    const same = this.#scattered.get(offset)
    if (same && same.length !== bytes.length) return broken('frames overlap')
    if (isEnd) {
      if (end < this.#arrivedTo || this.#scattered.keys().some((at) => at > end)) return broken('it has two ends')
      this.#endsAt = end
    }
    if (same) return { ok: true, isNew: false }
    if (offset > this.#arrivedTo) return this.#putAside(offset, bytes)
    this.#append(bytes)
    return this.#closeGaps()
  }

  /** The next bytes in order; undefined when there are none now. */
  read(): Uint8Array | undefined {
    const bytes = this.#ready.shift()
    if (!bytes) return undefined
    this.#readTo += bytes.length
    this.#hold(this.#limit)
    return bytes
  }

  /** Up to where the other end may send from now on: told to it, as far as there is room for all streams. */
  grant(): number {
    if (!this.#isOver && this.#endsAt === undefined) {
      // Where there is no room for a whole window there is always that for a first one.
      for (const window of [this.#windowBytes, FIRST_WINDOW_BYTES]) {
        const limit = this.#readTo + window
        if (limit > this.#limit && this.#hold(limit)) this.#limit = limit
      }
    }
    this.#toldLimit = this.#limit
    this.#toldWindow = this.#limit - this.#readTo
    return this.#limit
  }

  /** Forgets what was not read, and gives back what was promised. */
  drop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#budget.giveBack(this.#held)
    this.#ready.length = 0
    this.#scattered.clear()
  }

  /** Holds of the budget what this limit takes. False when there is not so much. */
  #hold(limit: number): boolean {
    const needed = Math.max(FIRST_WINDOW_BYTES, limit - this.#readTo)
    if (needed > this.#held && !this.#budget.take(needed - this.#held)) return false
    if (needed < this.#held) this.#budget.giveBack(this.#held - needed)
    this.#held = needed
    return true
  }

  #putAside(offset: number, bytes: Uint8Array): Taken {
    if (bytes.length === 0) return { ok: true, isNew: true }
    if (this.#scattered.size >= this.#mostScattered) return broken('too many pieces wait for one before them')
    this.#scattered.set(offset, bytes)
    return { ok: true, isNew: true }
  }

  #append(bytes: Uint8Array): void {
    this.#arrivedTo += bytes.length
    const last = this.#ready.at(-1)
    if (last && last.length < SMALL_BYTES && bytes.length < SMALL_BYTES)
      this.#ready[this.#ready.length - 1] = concat(last, bytes)
    else if (bytes.length > 0) this.#ready.push(bytes)
  }

  #closeGaps(): Taken {
    for (;;) {
      const next = this.#scattered.get(this.#arrivedTo)
      if (!next) break
      this.#scattered.delete(this.#arrivedTo)
      this.#append(next)
    }
    const overlaps = this.#scattered.keys().some((at) => at < this.#arrivedTo)
    return overlaps ? broken('frames overlap') : { ok: true, isNew: true }
  }
}

function broken(what: string): Taken {
  return { ok: false, what }
}
