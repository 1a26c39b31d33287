import { assert } from '@fog/kernel'

/**
 * How surprising a silence is, after Hayashibara, Defago, Yared and Katayama, "The phi accrual failure detector" (2004):
 * phi = -log10 P(the next heartbeat comes later than this), with the time between heartbeats taken as normal. As far as
 * that holds, a threshold of 3 is wrong once in 1,000 times, one of 8 about once in 10^7.
 *
 * The tail of the normal distribution is approximated as in Akka by a logistic curve, 1 / (1 + e^-(1.5976 y + 0.070566
 * y^3)) with y = (silence - mean) / standard deviation (Bowling et al. 2009). In one term, which neither overflows nor
 * rounds to infinity: phi = ln(1 + e^a) / ln 10 with a = 1.5976 y + 0.070566 y^3. Up to 3 it is within 0.05 of the exact
 * tail; further out it reads high, 8 where the exact value is 7.1.
 */
export function phi(
  silenceMs: number,
  { meanMs, deviationMs }: { readonly meanMs: number; readonly deviationMs: number },
): number {
  const y = (silenceMs - meanMs) / deviationMs
  return softplus(y * (1.5976 + 0.070566 * y * y)) / Math.LN10
}

/** ln(1 + e^a). Beyond 30 the 1 is lost in a double anyway. */
function softplus(a: number): number {
  return a > 30 ? a : Math.log1p(Math.exp(a))
}

/** The last few times between heartbeats, whole milliseconds; sums are exact, so they never drift. */
export class IntervalWindow {
  readonly #intervals: Uint32Array
  #next = 0
  #count = 0
  #sum = 0
  #sumOfSquares = 0

  constructor(size: number) {
    assert(Number.isInteger(size) && size > 0, 'a window holds at least one interval')
    this.#intervals = new Uint32Array(size)
  }

  add(intervalMs: number): void {
    // An hour is beyond any heartbeat; squares of more would leave the exact range of a double.
    const interval = Math.min(Math.max(0, Math.round(intervalMs)), 3_600_000)
    const dropped = this.#intervals[this.#next]!
    this.#intervals[this.#next] = interval
    this.#next = (this.#next + 1) % this.#intervals.length
    this.#count = Math.min(this.#count + 1, this.#intervals.length)
    this.#sum += interval - dropped
    this.#sumOfSquares += interval * interval - dropped * dropped
  }

  /** 0 while empty. */
  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** 0 while empty. */
  get deviationMs(): number {
    if (this.#count === 0) return 0
    return Math.sqrt(Math.max(0, this.#sumOfSquares / this.#count - this.meanMs ** 2))
  }
}
