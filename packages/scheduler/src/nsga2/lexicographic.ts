/** Below this many rows comparing is faster than counting digits. */
const RADIX_FROM = 512
const DIGIT_BITS = 11
const DIGITS = 3
const BUCKETS = 1 << DIGIT_BITS

/** Runs this short are sorted by insertion before merging. */
const RUN = 8

/** Which half of a double holds its sign, exponent and first 20 bits of fraction. */
const HIGH = new Uint32Array(Float64Array.of(1).buffer)[1] === 0x3ff0_0000 ? 1 : 0

/**
 * Sorts rows of numbers, first by their first column, ties by the next. Keeps its scratch space, so that one sorter a
 * population allocates nothing. O(n log n) comparisons at worst; for many rows three passes over the upper half of each
 * first number do most of it, and only what they leave tied is compared.
 */
export class LexicographicSorter {
  #keys = new Uint32Array(0)
  #otherKeys = new Uint32Array(0)
  #other = new Uint32Array(0)
  #column = new Float64Array(0)
  readonly #counts = new Uint32Array(DIGITS * BUCKETS)

  /** Fills `order[0..count)` with row numbers. `values` has `width` columns, row by row; it must not contain NaN. */
  sort(values: Float64Array, width: number, count: number, order: Uint32Array): void {
    this.#grow(count)
    for (let i = 0; i < count; i++) order[i] = i
    if (count < RADIX_FROM) {
      mergeSort(values, width, order, 0, count, this.#other)
      return
    }
    this.#sortByHighWord(values, width, count, order)
    const keys = this.#keys
    for (let from = 0; from < count;) {
      let to = from + 1
      while (to < count && keys[to] === keys[from]) to++
      if (to - from > 1) mergeSort(values, width, order, from, to, this.#other)
      from = to
    }
  }

  /** Least significant digit first, stable. Afterwards `#keys` holds the sorted keys. */
  #sortByHighWord(values: Float64Array, width: number, count: number, order: Uint32Array): void {
    const counts = this.#countDigits(values, width, count)
    for (let digit = 0; digit < DIGITS; digit++) {
      const shift = digit * DIGIT_BITS
      const starts = counts.subarray(digit * BUCKETS, (digit + 1) * BUCKETS)
      if (starts[(this.#keys[0]! >>> shift) & (BUCKETS - 1)] === count) continue
      let sum = 0
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const size = starts[bucket]!
        starts[bucket] = sum
        sum += size
      }
      scatter(this.#keys, order, this.#otherKeys, this.#other, starts, shift, count)
      order.set(this.#other.subarray(0, count))
      ;[this.#keys, this.#otherKeys] = [this.#otherKeys, this.#keys]
    }
  }

  #countDigits(values: Float64Array, width: number, count: number): Uint32Array {
    const column = this.#column
    // Adding zero makes -0 a 0: they are equal, and must be equal as bits.
    for (let i = 0; i < count; i++) column[i] = values[i * width]! + 0
    const words = new Uint32Array(column.buffer)
    const keys = this.#keys
    const counts = this.#counts.fill(0)
    for (let i = 0; i < count; i++) {
      const word = words[2 * i + HIGH]!
      // Order of doubles as order of unsigned integers: negative ones turned round, the others above them.
      const key = (word >>> 31 === 1 ? ~word : word | 0x8000_0000) >>> 0
      keys[i] = key
      counts[key & (BUCKETS - 1)]!++
      counts[BUCKETS + ((key >>> DIGIT_BITS) & (BUCKETS - 1))]!++
      counts[2 * BUCKETS + (key >>> (2 * DIGIT_BITS))]!++
    }
    return counts
  }

  #grow(count: number): void {
    if (this.#other.length >= count) return
    this.#keys = new Uint32Array(count)
    this.#otherKeys = new Uint32Array(count)
    this.#other = new Uint32Array(count)
    this.#column = new Float64Array(count)
  }
}

function scatter(
  keys: Uint32Array,
  order: Uint32Array,
  toKeys: Uint32Array,
  toOrder: Uint32Array,
  starts: Uint32Array,
  shift: number,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const key = keys[i]!
    const at = starts[(key >>> shift) & (BUCKETS - 1)]!++
    toKeys[at] = key
    toOrder[at] = order[i]!
  }
}

function precedes(values: Float64Array, width: number, a: number, b: number): boolean {
  for (let x = a * width, y = b * width, end = x + width; x < end; x++, y++) {
    const left = values[x]!
    const right = values[y]!
    if (left !== right) return left < right
  }
  return false
}

/** Stable and O(n log n); a range that is in order already costs one look at each pair. */
function mergeSort(
  values: Float64Array,
  width: number,
  order: Uint32Array,
  from: number,
  to: number,
  scratch: Uint32Array,
): void {
  for (let start = from; start < to; start += RUN) {
    insertionSort(values, width, order, start, Math.min(start + RUN, to))
  }
  for (let size = RUN; size < to - from; size *= 2) {
    for (let start = from; start + size < to; start += 2 * size) {
      merge(values, width, order, start, start + size, Math.min(start + 2 * size, to), scratch)
    }
  }
}

function insertionSort(values: Float64Array, width: number, order: Uint32Array, from: number, to: number): void {
  for (let i = from + 1; i < to; i++) {
    const row = order[i]!
    let at = i
    while (at > from && precedes(values, width, row, order[at - 1]!)) {
      order[at] = order[at - 1]!
      at--
    }
    order[at] = row
  }
}

function merge(
  values: Float64Array,
  width: number,
  order: Uint32Array,
  from: number,
  middle: number,
  to: number,
  scratch: Uint32Array,
): void {
  if (!precedes(values, width, order[middle]!, order[middle - 1]!)) return
  const size = middle - from
  for (let i = 0; i < size; i++) scratch[i] = order[from + i]!
  let left = 0
  let right = middle
  let at = from
  while (left < size && right < to) {
    order[at++] = precedes(values, width, order[right]!, scratch[left]!) ? order[right++]! : scratch[left++]!
  }
  while (left < size) order[at++] = scratch[left++]!
}
