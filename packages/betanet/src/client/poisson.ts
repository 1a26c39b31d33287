import type { Rng } from '@fog/kernel'

/** After a pause longer than this, as when a machine slept, what was missed is not made up for. */
const LONGEST_CATCH_UP_MS = 1_000

/** Moments that come by chance, so many a second on average, each independent of all others. */
export class PoissonTimes {
  readonly #rng: Rng
  readonly #meanMs: number
  #nextAt: number

  constructor({ rng, now }: { readonly rng: Rng; readonly now: number }, meanMs: number) {
    this.#rng = rng
    this.#meanMs = meanMs
    this.#nextAt = now + exponential(rng, meanMs)
  }

  get meanMs(): number {
    return this.#meanMs
  }

  get nextAt(): number {
    return this.#nextAt
  }

  /** Whether a moment has come; the next is then another. Ask again: several may have. */
  isDue(now: number): boolean {
    if (this.#nextAt > now) return false
    const from = now - this.#nextAt > LONGEST_CATCH_UP_MS ? now : this.#nextAt
    this.#nextAt = from + exponential(this.#rng, this.#meanMs)
    return true
  }
}

/** A time drawn from the exponential distribution of this mean. */
export function exponential(rng: Rng, mean: number): number {
  return -Math.log(1 - rng.next()) * mean
}
