import { LexicographicSorter } from './lexicographic.ts'

/** Sets this small are compared pair by pair, for 3 objectives and for more. Measured on random points. */
const PAIRWISE_BELOW = [0, 0, 0, 64, 64] as const

/**
 * Ranks many points in three or more objectives by divide and conquer: O(n log^(m-1) n), whatever the points.
 *
 * Jensen, "Reducing the run-time complexity of multiobjective EAs" (2003), with ties as Fortin, Grenier and Parizeau,
 * "Generalizing the improved run-time complexity algorithm for non-dominated sorting" (2013), and Fenwick trees as Buzdalov
 * and Shalyto, "A provably asymptotically fast version of the generalized Jensen algorithm" (2014). Where they split at the
 * median, this splits the range of positions in half, which bounds the depth as well and needs no search for a median.
 *
 * Points are numbered in lexicographic order and distinct, so a point is only ever dominated by one of a lower number, and
 * the first objective needs no further look. The others are replaced by their position among all values, from 1 on.
 */
export class DivideAndConquer {
  readonly #sorter = new LexicographicSorter()
  #count = 0
  #positions = new Int32Array(0)
  #ranks: Uint32Array = new Uint32Array(0)
  /** Fenwick tree: at each position of the second objective, one more than the highest rank at or below it. */
  #tree = new Uint32Array(0)
  /** The sets being worked on, one behind the other. */
  #arena = new Uint32Array(0)
  #used = 0

  /** `points` holds `count` distinct rows of `width` objectives in lexicographic order. Fills `ranks[0..count)`. */
  rank(points: Float64Array, width: number, count: number, ranks: Uint32Array): void {
    this.#count = count
    this.#ranks = ranks
    ranks.fill(0, 0, count)
    this.#place(points, width)
    if (this.#tree.length < count + 1) this.#tree = new Uint32Array(count + 1)
    this.#used = 0
    this.#reserve(count)
    for (let i = 0; i < count; i++) this.#arena[i] = i
    this.#used = count
    this.#within(0, count, width)
  }

  /** Replaces each objective after the first by its position among its distinct values. */
  #place(points: Float64Array, width: number): void {
    const count = this.#count
    if (this.#positions.length < width * count) this.#positions = new Int32Array(width * count)
    const column = new Float64Array(count)
    const order = new Uint32Array(count)
    for (let objective = 1; objective < width; objective++) {
      for (let i = 0; i < count; i++) column[i] = points[i * width + objective]!
      this.#sorter.sort(column, 1, count, order)
      let position = 1
      for (let i = 0; i < count; i++) {
        if (i > 0 && column[order[i]!]! !== column[order[i - 1]!]!) position++
        this.#positions[objective * count + order[i]!] = position
      }
    }
  }

  /** Ranks a set against itself by its first `width` objectives; in the others its points are equal. */
  #within(from: number, to: number, width: number): void {
    const size = to - from
    if (size < 2) return
    if (size < pairwiseBelow(width)) return this.#pairsWithin(from, to, width)
    if (width === 2) return this.#sweepWithin(from, to)
    const [least, most] = this.#range(from, to, width - 1)
    if (least === most) return this.#within(from, to, width - 1)
    const before = this.#used
    const middle = this.#split(from, to, width - 1, (least + most) >>> 1)
    const end = this.#used
    this.#within(before, middle, width)
    this.#across(before, middle, middle, end, width - 1)
    this.#within(middle, end, width)
    this.#used = before
  }

  /** Ranks a high set against a low one, whose ranks stand, where low is at most high in all objectives from `width` on. */
  #across(lowFrom: number, lowTo: number, highFrom: number, highTo: number, width: number): void {
    const low = lowTo - lowFrom
    const high = highTo - highFrom
    if (low === 0 || high === 0) return
    const few = pairwiseBelow(width)
    if (low * high < few * few) return this.#pairsAcross(lowFrom, lowTo, highFrom, highTo, width)
    if (width === 2) return this.#sweepAcross(lowFrom, lowTo, highFrom, highTo)
    const [lowLeast, lowMost] = this.#range(lowFrom, lowTo, width - 1)
    const [highLeast, highMost] = this.#range(highFrom, highTo, width - 1)
    if (lowMost <= highLeast) return this.#across(lowFrom, lowTo, highFrom, highTo, width - 1)
    if (lowLeast > highMost) return
    const before = this.#used
    const at = (Math.min(lowLeast, highLeast) + Math.max(lowMost, highMost)) >>> 1
    const lowMiddle = this.#split(lowFrom, lowTo, width - 1, at)
    const lowEnd = this.#used
    const highMiddle = this.#split(highFrom, highTo, width - 1, at)
    const highEnd = this.#used
    this.#across(before, lowMiddle, lowEnd, highMiddle, width)
    this.#across(before, lowMiddle, highMiddle, highEnd, width - 1)
    this.#across(lowMiddle, lowEnd, highMiddle, highEnd, width)
    this.#used = before
  }

  /** Copies a set to the end of the arena: first what is at most `at`, from the answered place on what is above. */
  #split(from: number, to: number, objective: number, at: number): number {
    this.#reserve(to - from)
    const [arena, positions, start] = [this.#arena, this.#positions, this.#used]
    const column = objective * this.#count
    let low = start
    for (let i = from; i < to; i++) if (positions[column + arena[i]!]! <= at) arena[low++] = arena[i]!
    let high = low
    for (let i = from; i < to; i++) if (positions[column + arena[i]!]! > at) arena[high++] = arena[i]!
    this.#used = high
    return low
  }

  #range(from: number, to: number, objective: number): [least: number, most: number] {
    const [arena, positions, column] = [this.#arena, this.#positions, objective * this.#count]
    let least = positions[column + arena[from]!]!
    let most = least
    for (let i = from + 1; i < to; i++) {
      const position = positions[column + arena[i]!]!
      if (position < least) least = position
      else if (position > most) most = position
    }
    return [least, most]
  }

  #reserve(more: number): void {
    if (this.#arena.length >= this.#used + more) return
    const grown = new Uint32Array(Math.max(this.#used + more, 2 * this.#arena.length))
    grown.set(this.#arena.subarray(0, this.#used))
    this.#arena = grown
  }

  #sweepWithin(from: number, to: number): void {
    const [arena, ranks, tree, positions, count] = [this.#arena, this.#ranks, this.#tree, this.#positions, this.#count]
    for (let i = from; i < to; i++) {
      const point = arena[i]!
      const position = positions[count + point]!
      const above = highest(tree, position)
      if (above > ranks[point]!) ranks[point] = above
      raise(tree, position, ranks[point]! + 1, count)
    }
    for (let i = from; i < to; i++) clear(tree, positions[count + arena[i]!]!, count)
  }

  #sweepAcross(lowFrom: number, lowTo: number, highFrom: number, highTo: number): void {
    const [arena, ranks, tree, positions, count] = [this.#arena, this.#ranks, this.#tree, this.#positions, this.#count]
    let low = lowFrom
    for (let i = highFrom; i < highTo; i++) {
      const point = arena[i]!
      for (; low < lowTo && arena[low]! < point; low++) {
        raise(tree, positions[count + arena[low]!]!, ranks[arena[low]!]! + 1, count)
      }
      const above = highest(tree, positions[count + point]!)
      if (above > ranks[point]!) ranks[point] = above
    }
    for (let i = lowFrom; i < low; i++) clear(tree, positions[count + arena[i]!]!, count)
  }

  #pairsWithin(from: number, to: number, width: number): void {
    for (let i = from + 1; i < to; i++) this.#raiseAbove(this.#arena[i]!, from, i, width)
  }

  #pairsAcross(lowFrom: number, lowTo: number, highFrom: number, highTo: number, width: number): void {
    const arena = this.#arena
    let end = lowFrom
    for (let i = highFrom; i < highTo; i++) {
      const point = arena[i]!
      while (end < lowTo && arena[end]! < point) end++
      this.#raiseAbove(point, lowFrom, end, width)
    }
  }

  /** Looks only at what would raise the rank: in most sets that is little. */
  #raiseAbove(point: number, from: number, to: number, width: number): void {
    const [arena, ranks, positions, count] = [this.#arena, this.#ranks, this.#positions, this.#count]
    let best = ranks[point]!
    for (let i = to - 1; i >= from; i--) {
      const other = arena[i]!
      if (ranks[other]! < best) continue
      let objective = 1
      while (objective < width && positions[objective * count + other]! <= positions[objective * count + point]!)
        objective++
      if (objective === width) best = ranks[other]! + 1
    }
    ranks[point] = best
  }
}

function pairwiseBelow(width: number): number {
  return PAIRWISE_BELOW[Math.min(width, PAIRWISE_BELOW.length - 1)]!
}

function highest(tree: Uint32Array, position: number): number {
  let best = 0
  for (let at = position; at > 0; at &= at - 1) if (tree[at]! > best) best = tree[at]!
  return best
}

function raise(tree: Uint32Array, position: number, value: number, last: number): void {
  for (let at = position; at <= last; at += at & -at) if (tree[at]! < value) tree[at] = value
}

function clear(tree: Uint32Array, position: number, last: number): void {
  for (let at = position; at <= last && tree[at] !== 0; at += at & -at) tree[at] = 0
}
