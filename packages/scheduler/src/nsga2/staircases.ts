/** Pairs moved for each point, on average, before the staircases are too long for this way. */
const MOVES_PER_POINT = 64
/** Steps up to which moving one by one beats a call. */
const FEW = 12

/**
 * Ranks points in three objectives by one sweep. In order of the first objective, a front is known by the staircase of its
 * second and third: the second rising, the third falling. The first front that does not dominate the point is found by
 * halving, and within a front the one step to look at, again by halving: O(n log² n) looks.
 *
 * Steps lie in order in one array, so that a point costs a move of what stands behind it. Staircases are short unless the
 * second and third objective are opposed while the first is unrelated to both; such points are left to whoever can do
 * without moves.
 */
export class Staircases {
  /** Of each front the pairs (second, third). */
  readonly #stairs: Float64Array[] = []
  #sizes = new Uint32Array(64)

  /**
   * `points` holds `count` distinct rows of three in lexicographic order. Fills `ranks`, or answers false when the
   * staircases grow too long.
   */
  rank(points: Float64Array, count: number, ranks: Uint32Array): boolean {
    let fronts = 0
    let moves = 0
    for (let i = 0; i < count; i++) {
      const second = points[3 * i + 1]!
      const third = points[3 * i + 2]!
      const front = this.#firstNotAbove(fronts, second, third)
      if (front === fronts) this.#open(fronts++)
      moves += this.#insert(front, second, third)
      if (moves > MOVES_PER_POINT * count) return false
      ranks[i] = front
    }
    return true
  }

  /** A point that front f + 1 dominates is dominated by front f too. */
  #firstNotAbove(fronts: number, second: number, third: number): number {
    let low = 0
    let high = fronts
    while (low < high) {
      const middle = (low + high) >>> 1
      const stairs = this.#stairs[middle]!
      const step = stepsUpTo(stairs, this.#sizes[middle]!, second)
      if (step > 0 && stairs[2 * step - 1]! <= third) low = middle + 1
      else high = middle
    }
    return low
  }

  #open(front: number): void {
    if (front === this.#stairs.length) this.#stairs.push(new Float64Array(32))
    if (front === this.#sizes.length) {
      const grown = new Uint32Array(2 * front)
      grown.set(this.#sizes)
      this.#sizes = grown
    }
    this.#sizes[front] = 0
  }

  /** Puts a step where it belongs, in place of those it covers, and answers how many others had to move. */
  #insert(front: number, second: number, third: number): number {
    const size = this.#sizes[front]!
    let stairs = this.#stairs[front]!
    let from = stepsUpTo(stairs, size, second)
    if (from > 0 && stairs[2 * from - 2] === second) from--
    let to = from
    while (to < size && stairs[2 * to + 1]! >= third) to++
    const shift = 1 - (to - from)
    if (2 * (size + shift) > stairs.length) stairs = this.#lengthen(front)
    if (shift !== 0 && to < size) move(stairs, to, size, shift)
    stairs[2 * from] = second
    stairs[2 * from + 1] = third
    this.#sizes[front] = size + shift
    return shift === 0 ? 0 : size - to
  }

  #lengthen(front: number): Float64Array {
    const old = this.#stairs[front]!
    const longer = new Float64Array(2 * old.length)
    longer.set(old)
    this.#stairs[front] = longer
    return longer
  }
}

/** How many steps have a second objective of at most `second`. */
function stepsUpTo(stairs: Float64Array, size: number, second: number): number {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >>> 1
    if (stairs[2 * middle]! <= second) low = middle + 1
    else high = middle
  }
  return low
}

function move(stairs: Float64Array, from: number, to: number, shift: number): void {
  if (shift === 1 && to - from <= FEW) for (let i = 2 * to - 1; i >= 2 * from; i--) stairs[i + 2] = stairs[i]!
  else stairs.copyWithin(2 * (from + shift), 2 * from, 2 * to)
}
