import { DivideAndConquer } from './divide.ts'
import { LexicographicSorter } from './lexicographic.ts'
import { checkComparable, countPoints, Nsga2Error } from './nsga2-error.ts'
import { Staircases } from './staircases.ts'

/** Fewer points than this, in three or more objectives, are compared pair by pair. Measured on random points. */
const PAIRWISE_BELOW = 192

/**
 * Pareto ranks of n points, all objectives minimised: 0 for those no other point dominates, 1 for those only points of rank
 * 0 dominate, and so on (Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II"). A point dominates
 * another when it is nowhere worse and somewhere better, so equal points share their rank.
 *
 * `objectives` is n x `objectiveCount`, the objectives of a point beside each other. With `violations` (n numbers; at most 0
 * is feasible) constraint domination holds: every infeasible point comes after all feasible ones, ordered by its violation
 * alone. Infinities are compared as numbers.
 * @throws Nsga2Error `nsga2.not_a_number` or `nsga2.wrong_shape`.
 */
export function rank(objectives: Float64Array, objectiveCount: number, violations?: Float64Array): Uint32Array {
  const count = countPoints(objectives, objectiveCount)
  const ranks = new Uint32Array(count)
  new FrontSorter(objectiveCount).sort(objectives, count, ranks, violations)
  return ranks
}

/**
 * `rank` for who sorts again and again: keeps its scratch space between calls. O(n log n) for one and two objectives,
 * O(n log^(m-1) n) for m from three on.
 */
export class FrontSorter {
  readonly #width: number
  readonly #sorter = new LexicographicSorter()
  readonly #staircases = new Staircases()
  readonly #divide = new DivideAndConquer()
  #order = new Uint32Array(0)
  #distinct = new Uint32Array(0)
  #ranks = new Uint32Array(0)
  #points = new Float64Array(0)
  #feasible = new Uint32Array(0)
  #repeats = new Uint8Array(0)
  #least = new Float64Array(0)
  #gathered = new Float64Array(0)
  #gatheredRanks = new Uint32Array(0)

  constructor(objectiveCount: number) {
    this.#width = objectiveCount
  }

  /** After a sort: 1 for each feasible point that equals one of a lower number. Holds until the next sort. */
  get repeats(): Uint8Array {
    return this.#repeats
  }

  /** Ranks the first `count` points into `ranks` and answers how many fronts there are. */
  sort(objectives: Float64Array, count: number, ranks: Uint32Array, violations?: Float64Array): number {
    if (objectives.length < count * this.#width) {
      const expected = `${count} x ${this.#width} numbers`
      throw new Nsga2Error({ code: 'nsga2.wrong_shape', what: 'objectives', expected, found: objectives.length })
    }
    checkComparable(objectives, this.#width, count, 'An objective')
    this.#grow(count)
    if (!violations) return this.#sortFeasible(objectives, count, ranks)
    if (violations.length < count) {
      const expected = `${count} long`
      throw new Nsga2Error({ code: 'nsga2.wrong_shape', what: 'violations', expected, found: violations.length })
    }
    checkComparable(violations, 1, count, 'The constraint violation')
    return this.#sortConstrained(objectives, count, ranks, violations)
  }

  #sortConstrained(objectives: Float64Array, count: number, ranks: Uint32Array, violations: Float64Array): number {
    const [width, feasible, gathered] = [this.#width, this.#feasible, this.#gathered]
    let kept = 0
    for (let i = 0; i < count; i++) {
      if (violations[i]! > 0) continue
      for (let k = 0; k < width; k++) gathered[kept * width + k] = objectives[i * width + k]!
      feasible[kept++] = i
    }
    if (kept === count) return this.#sortFeasible(objectives, count, ranks)
    let fronts = this.#sortFeasible(gathered, kept, this.#gatheredRanks)
    this.#spread(kept, count, ranks)
    this.#sorter.sort(violations, 1, count, this.#order)
    for (let i = kept; i < count; i++) {
      const point = this.#order[i]!
      if (i === kept || violations[point]! !== violations[this.#order[i - 1]!]!) fronts++
      ranks[point] = fronts - 1
    }
    return fronts
  }

  /** Gives what was found of the gathered points to where they came from, which is never before their place. */
  #spread(kept: number, count: number, ranks: Uint32Array): void {
    const [feasible, repeats] = [this.#feasible, this.#repeats]
    repeats.fill(0, kept, count)
    for (let i = kept - 1; i >= 0; i--) {
      const isRepeat = repeats[i]!
      repeats[i] = 0
      repeats[feasible[i]!] = isRepeat
      ranks[feasible[i]!] = this.#gatheredRanks[i]!
    }
  }

  #sortFeasible(objectives: Float64Array, count: number, ranks: Uint32Array): number {
    if (count === 0) return 0
    this.#sorter.sort(objectives, this.#width, count, this.#order)
    const distinct = this.#gatherDistinct(objectives, count)
    this.#rankDistinct(distinct)
    let most = 0
    for (let i = 0; i < count; i++) {
      const own = this.#ranks[this.#distinct[i]!]!
      ranks[this.#order[i]!] = own
      this.#repeats[this.#order[i]!] = i > 0 && this.#distinct[i] === this.#distinct[i - 1] ? 1 : 0
      if (own > most) most = own
    }
    return most + 1
  }

  /** Copies the points in their order, each once; `#distinct[i]` says which one the i-th in order became. */
  #gatherDistinct(objectives: Float64Array, count: number): number {
    const [width, points, order] = [this.#width, this.#points, this.#order]
    let last = -1
    for (let i = 0; i < count; i++) {
      const from = order[i]! * width
      if (last < 0 || differs(points, last * width, objectives, from, width)) {
        last++
        for (let k = 0; k < width; k++) points[last * width + k] = objectives[from + k]!
      }
      this.#distinct[i] = last
    }
    return last + 1
  }

  #rankDistinct(count: number): void {
    const [points, width, ranks] = [this.#points, this.#width, this.#ranks]
    if (width === 1) for (let i = 0; i < count; i++) ranks[i] = i
    else if (width === 2) sweep(points, count, ranks, this.#least)
    else if (width === 3 && this.#staircases.rank(points, count, ranks)) return
    else if (count < PAIRWISE_BELOW) rankPairwise(points, width, count, ranks)
    else this.#divide.rank(points, width, count, ranks)
  }

  #grow(count: number): void {
    if (this.#order.length >= count) return
    this.#order = new Uint32Array(count)
    this.#distinct = new Uint32Array(count)
    this.#ranks = new Uint32Array(count)
    this.#points = new Float64Array(count * this.#width)
    this.#feasible = new Uint32Array(count)
    this.#repeats = new Uint8Array(count)
    this.#least = new Float64Array(count)
    this.#gathered = new Float64Array(count * this.#width)
    this.#gatheredRanks = new Uint32Array(count)
  }
}

function differs(a: Float64Array, from: number, b: Float64Array, at: number, width: number): boolean {
  for (let k = 0; k < width; k++) if (a[from + k] !== b[at + k]) return true
  return false
}

/**
 * Two objectives: of each front only the least second objective so far matters, and these rise from front to front, so the
 * first front above the point's own is found by halving.
 */
function sweep(points: Float64Array, count: number, ranks: Uint32Array, least: Float64Array): void {
  let fronts = 0
  for (let i = 0; i < count; i++) {
    const second = points[2 * i + 1]!
    let low = 0
    let high = fronts
    while (low < high) {
      const middle = (low + high) >>> 1
      if (least[middle]! <= second) low = middle + 1
      else high = middle
    }
    if (low === fronts) fronts++
    least[low] = second
    ranks[i] = low
  }
}

/** Of two points in lexicographic order only the earlier can dominate, and in the first objective it is not worse. */
function rankPairwise(points: Float64Array, width: number, count: number, ranks: Uint32Array): void {
  for (let i = 0; i < count; i++) {
    let best = 0
    for (let j = i - 1; j >= 0; j--) {
      if (ranks[j]! < best) continue
      let k = 1
      while (k < width && points[j * width + k]! <= points[i * width + k]!) k++
      if (k === width) best = ranks[j]! + 1
    }
    ranks[i] = best
  }
}
