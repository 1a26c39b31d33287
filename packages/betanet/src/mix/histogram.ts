const SUB_BITS = 4
const SUBS = 1 << SUB_BITS
const BUCKETS = SUBS + (32 - SUB_BITS) * SUBS

/** Numbers one histogram takes of a `Float64Array`. */
export const HISTOGRAM_NUMBERS = BUCKETS

/**
 * How often which time was seen, in microseconds up to 71 minutes, each bucket a sixteenth of its power of two wide: a
 * quantile is right to about 6 %. Its counts lie in memory given to it, so that another thread can read them.
 */
export class Histogram {
  readonly #counts: Float64Array

  constructor(counts: Float64Array = new Float64Array(BUCKETS)) {
    this.#counts = counts
  }

  get counts(): Float64Array {
    return this.#counts
  }

  get total(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  record(microseconds: number): void {
    this.#counts[bucketOf(microseconds)]! += 1
  }

  /** Counts of another one, added. */
  add(other: Histogram): void {
    for (let i = 0; i < BUCKETS; i++) this.#counts[i]! += other.#counts[i]!
  }

  /** Upper end of the bucket, in microseconds, up to which this share of all lies; undefined where nothing was seen. */
  quantile(share: number): number | undefined {
    const rank = Math.ceil(share * this.total)
    let seen = 0
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.#counts[i]!
      if (seen >= rank && seen > 0) return upperEnd(i)
    }
    return undefined
  }
}

function bucketOf(microseconds: number): number {
  const whole = microseconds > 0xffff_ffff ? 0xffff_ffff : microseconds > 0 ? microseconds >>> 0 : 0
  if (whole < SUBS) return whole
  const shift = 31 - Math.clz32(whole) - SUB_BITS
  return SUBS + shift * SUBS + ((whole >>> shift) - SUBS)
}

function upperEnd(bucket: number): number {
  if (bucket < SUBS) return bucket + 1
  const shift = Math.floor((bucket - SUBS) / SUBS)
  const sub = (bucket - SUBS) % SUBS
  return (SUBS + sub + 1) * 2 ** shift
}
