import { LexicographicSorter } from './lexicographic.ts'
import { countPoints, Nsga2Error } from './nsga2-error.ts'

/**
 * Volume, in the product of the objectives' units, of what lies between the points and `reference`, minimising: how much a
 * front covers, both near and wide. Exact. Points that do not better the reference in every objective count nothing, nor do
 * dominated ones.
 *
 * `objectives` is n x m with m the length of `reference`. One and two objectives: a sorted sweep. Three: a sweep over a
 * staircase (Fonseca, Paquete and López-Ibáñez 2006), O(n log n) comparisons. More: exclusive volumes, each one objective
 * less (While, Bradstreet and Barone, "A fast way of calculating exact hypervolumes", 2012), exponential in m at worst.
 * @throws Nsga2Error `nsga2.not_a_number`, `nsga2.not_finite` or `nsga2.wrong_shape`.
 */
export function hypervolume(objectives: Float64Array, reference: readonly number[] | Float64Array): number {
  const width = reference.length
  const count = countPoints(objectives, width)
  const points = new Float64Array(count * width)
  let kept = 0
  for (let i = 0; i < count; i++) if (copyGain(objectives, i * width, points, kept * width, reference, i)) kept++
  return new Volume(width, kept).of(points, width, kept)
}

/** Turns a point into its gains on the reference, all above zero, or answers that it has none somewhere. */
function copyGain(
  objectives: Float64Array,
  from: number,
  points: Float64Array,
  to: number,
  reference: readonly number[] | Float64Array,
  point: number,
): boolean {
  let gains = true
  for (let k = 0; k < reference.length; k++) {
    const gain = reference[k]! - objectives[from + k]!
    if (Number.isNaN(gain)) throw new Nsga2Error({ code: 'nsga2.not_a_number', what: 'An objective', point })
    if (gain === Infinity) throw new Nsga2Error({ code: 'nsga2.not_finite', what: 'The gain on the reference', point })
    if (gain <= 0) gains = false
    points[to + k] = gain
  }
  return gains
}

/** Volumes between gains and zero: larger is better here. Holds the space each depth works in. */
class Volume {
  readonly #sorter = new LexicographicSorter()
  readonly #orders: Uint32Array[] = []
  readonly #limited: Float64Array[] = []
  readonly #columns: Float64Array
  readonly #stairs: Staircase

  constructor(width: number, count: number) {
    for (let m = 0; m <= width; m++) {
      this.#orders.push(new Uint32Array(count))
      this.#limited.push(new Float64Array(m > 3 ? count * (m - 1) : 0))
    }
    this.#columns = new Float64Array(count * 2)
    this.#stairs = new Staircase(count)
  }

  of(points: Float64Array, width: number, count: number): number {
    if (count === 0) return 0
    if (width === 1) return points.subarray(0, count).reduce((most, gain) => Math.max(most, gain), 0)
    if (width === 2) return this.#area(points, count)
    if (width === 3) return this.#volume(points, count)
    return this.#exclusive(points, width, count)
  }

  #area(points: Float64Array, count: number): number {
    const order = this.#byFalling(points, 2, count, 0)
    let [area, reached] = [0, 0]
    for (let i = 0; i < count; i++) {
      const [x, y] = [points[2 * order[i]!]!, points[2 * order[i]! + 1]!]
      if (y <= reached) continue
      area += x * (y - reached)
      reached = y
    }
    return area
  }

  /** From the best third gain down: each slice is as high as the step to the next and as wide as the staircase so far. */
  #volume(points: Float64Array, count: number): number {
    const order = this.#byFalling(points, 3, count, 2)
    this.#stairs.clear()
    let volume = 0
    for (let i = 0; i < count; i++) {
      const at = 3 * order[i]!
      this.#stairs.add(points[at]!, points[at + 1]!)
      const next = i + 1 < count ? points[3 * order[i + 1]! + 2]! : 0
      volume += this.#stairs.area * (points[at + 2]! - next)
    }
    return volume
  }

  /** In order of falling last gain, what each point covers beyond those before it is a prism as high as its own last gain. */
  #exclusive(points: Float64Array, width: number, count: number): number {
    const order = this.#byFalling(points, width, count, width - 1)
    const limited = this.#limited[width]!
    let volume = 0
    for (let i = 0; i < count; i++) {
      const own = order[i]! * width
      let base = 1
      for (let k = 0; k < width - 1; k++) base *= points[own + k]!
      const kept = limitTo(points, order, i, width, limited)
      if (kept < 0) continue
      volume += points[own + width - 1]! * (base - this.of(limited, width - 1, kept))
    }
    return volume
  }

  #byFalling(points: Float64Array, width: number, count: number, objective: number): Uint32Array {
    const order = this.#orders[width]!
    // Two columns when sweeping areas: of points equal in one gain the best of the other comes first.
    const columns = this.#columns
    const other = objective === 0 ? 1 : 0
    for (let i = 0; i < count; i++) {
      columns[2 * i] = -points[i * width + objective]!
      columns[2 * i + 1] = -points[i * width + other]!
    }
    this.#sorter.sort(columns, 2, count, order)
    return order
  }
}

/**
 * The part of each earlier point that lies within the i-th, in all but the last gain, without those another covers. Answers
 * their count, or -1 when an earlier point covers the i-th whole.
 */
function limitTo(points: Float64Array, order: Uint32Array, i: number, width: number, limited: Float64Array): number {
  const own = order[i]! * width
  const last = width - 1
  let kept = 0
  for (let j = 0; j < i; j++) {
    const other = order[j]! * width
    let covers = true
    for (let k = 0; k < last; k++) {
      const gain = points[other + k]!
      const most = points[own + k]!
      if (gain < most) covers = false
      limited[kept * last + k] = gain < most ? gain : most
    }
    if (covers) return -1
    kept = keepUncovered(limited, kept, last)
  }
  return kept
}

/** Takes the point behind the `kept` ones in, unless one of them covers it, and out those it covers. */
function keepUncovered(points: Float64Array, kept: number, width: number): number {
  const own = kept * width
  for (let j = 0; j < kept; j++) if (covers(points, j * width, own, width)) return kept
  let left = 0
  for (let j = 0; j < kept; j++) {
    if (covers(points, own, j * width, width)) continue
    if (left < j) points.copyWithin(left * width, j * width, (j + 1) * width)
    left++
  }
  if (left < kept) points.copyWithin(left * width, own, own + width)
  return left + 1
}

function covers(points: Float64Array, a: number, b: number, width: number): boolean {
  for (let k = 0; k < width; k++) if (points[a + k]! < points[b + k]!) return false
  return true
}

/** The union of rectangles from the origin, as its outer corners: x rising, y falling. */
class Staircase {
  readonly #x: Float64Array
  readonly #y: Float64Array
  #size = 0
  area = 0

  constructor(capacity: number) {
    this.#x = new Float64Array(capacity)
    this.#y = new Float64Array(capacity)
  }

  clear(): void {
    this.#size = 0
    this.area = 0
  }

  add(x: number, y: number): void {
    const [xs, ys] = [this.#x, this.#y]
    // The first corner at least as far out in x: if it is as high too, nothing is new.
    const to = this.#firstFrom(x)
    if (to < this.#size && ys[to]! >= y) return
    let from = to
    while (from > 0 && ys[from - 1]! <= y) from--
    const end = to < this.#size && xs[to] === x ? to + 1 : to
    this.area += this.#gain(from, end, x, y)
    xs.copyWithin(from + 1, end, this.#size)
    ys.copyWithin(from + 1, end, this.#size)
    xs[from] = x
    ys[from] = y
    this.#size += 1 - (end - from)
  }

  /** The area a new corner adds: its steps above each corner it covers, and above what stands beyond. */
  #gain(from: number, end: number, x: number, y: number): number {
    const [xs, ys] = [this.#x, this.#y]
    let gain = 0
    let left = from > 0 ? xs[from - 1]! : 0
    for (let i = from; i < end; i++) {
      gain += (xs[i]! - left) * (y - ys[i]!)
      left = xs[i]!
    }
    return gain + (x - left) * (y - (end < this.#size ? ys[end]! : 0))
  }

  #firstFrom(x: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#x[middle]! < x) low = middle + 1
      else high = middle
    }
    return low
  }
}
