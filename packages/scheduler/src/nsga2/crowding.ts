import { LexicographicSorter } from './lexicographic.ts'
import { checkComparable, countPoints } from './nsga2-error.ts'

/**
 * Crowding distance of each member of one front (Deb et al. 2002): the sum over the objectives of the distance between its
 * two neighbours there, as a share of the front's range. The first and the last in an objective get Infinity. An objective
 * in which all members are equal says nothing about any of them; where one is infinite, its neighbours are infinitely far.
 *
 * `objectives` is n x `objectiveCount`; `members` are the points of the front, all n by default. Answers one distance for
 * each member, in their order. O(m n log n).
 * @throws Nsga2Error `nsga2.not_a_number` or `nsga2.wrong_shape`.
 */
export function crowding(objectives: Float64Array, objectiveCount: number, members?: Uint32Array): Float64Array {
  const front = members ?? everyPoint(countPoints(objectives, objectiveCount))
  checkComparable(objectives, objectiveCount, countPoints(objectives, objectiveCount), 'An objective')
  const crowd = new Crowd(objectiveCount)
  const distances = new Float64Array(front.length)
  crowd.measure(objectives, front, distances)
  return distances
}

export function everyPoint(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i)
}

const NONE = 0xffff_ffff

/** How alone members of a front stand, and who goes when there are too many. */
export interface Density {
  /** Fills `distances[i]` for `members[i]`: the larger, the more alone. */
  measure(objectives: Float64Array, members: Uint32Array, distances: Float64Array): void
  /**
   * Takes out the most crowded, one at a time, until `keep` are left. Moves them to the front of `members`, in their order,
   * with their distances among each other in `distances`, and answers how many they are.
   */
  prune(objectives: Float64Array, members: Uint32Array, keep: number, distances: Float64Array): number
}

/** `crowding` and `prune` for who asks again and again: keeps its scratch space. Members are known by their place. */
export class Crowd implements Density {
  readonly #width: number
  readonly #sorter = new LexicographicSorter()
  readonly #ranges: Float64Array
  #values = new Float64Array(0)
  #column = new Float64Array(0)
  #order = new Uint32Array(0)
  /** For each objective and member, the next lower and the next higher member: `objective * size + member`. */
  #lower = new Uint32Array(0)
  #higher = new Uint32Array(0)
  #heap = new Uint32Array(0)
  #placeInHeap = new Uint32Array(0)
  #size = 0

  constructor(objectiveCount: number) {
    this.#width = objectiveCount
    this.#ranges = new Float64Array(objectiveCount)
  }

  measure(objectives: Float64Array, members: Uint32Array, distances: Float64Array): void {
    this.#link(objectives, members)
    for (let i = 0; i < this.#size; i++) distances[i] = this.#distanceOf(i)
  }

  prune(objectives: Float64Array, members: Uint32Array, keep: number, distances: Float64Array): number {
    this.measure(objectives, members, distances)
    if (members.length <= keep) return members.length
    this.#fillHeap(distances)
    for (let left = this.#size; left > keep; left--) this.#removeFirst(left, distances)
    let kept = 0
    for (let i = 0; i < this.#size; i++) {
      if (this.#placeInHeap[i] === NONE) continue
      members[kept] = members[i]!
      distances[kept++] = distances[i]!
    }
    return kept
  }

  #link(objectives: Float64Array, members: Uint32Array): void {
    this.#size = members.length
    this.#grow()
    const [size, width, column, order] = [this.#size, this.#width, this.#column, this.#order]
    for (let objective = 0; objective < width; objective++) {
      const base = objective * size
      for (let i = 0; i < size; i++) column[i] = objectives[members[i]! * width + objective]!
      this.#sorter.sort(column, 1, size, order)
      for (let i = 0; i < size; i++) {
        const member = order[i]!
        this.#values[base + member] = column[member]!
        this.#lower[base + member] = i === 0 ? NONE : order[i - 1]!
        this.#higher[base + member] = i === size - 1 ? NONE : order[i + 1]!
      }
      this.#ranges[objective] = finiteRange(column, order, size)
    }
  }

  #distanceOf(member: number): number {
    const [size, width, values] = [this.#size, this.#width, this.#values]
    let sum = 0
    for (let objective = 0; objective < width; objective++) {
      const base = objective * size
      const range = this.#ranges[objective]!
      if (range < 0) continue
      const lower = this.#lower[base + member]!
      const higher = this.#higher[base + member]!
      if (lower === NONE || higher === NONE) return Infinity
      const low = values[base + lower]!
      const high = values[base + higher]!
      if (low !== high) sum += range === 0 ? Infinity : (high - low) / range
    }
    return sum
  }

  #fillHeap(distances: Float64Array): void {
    for (let i = 0; i < this.#size; i++) {
      this.#heap[i] = i
      this.#placeInHeap[i] = i
    }
    for (let i = (this.#size >>> 1) - 1; i >= 0; i--) this.#sink(i, this.#size, distances)
  }

  #removeFirst(left: number, distances: Float64Array): void {
    const [size, lowerOf, higherOf] = [this.#size, this.#lower, this.#higher]
    const gone = this.#heap[0]!
    this.#put(0, this.#heap[left - 1]!)
    this.#sink(0, left - 1, distances)
    this.#placeInHeap[gone] = NONE
    for (let base = 0; base < size * this.#width; base += size) {
      const lower = lowerOf[base + gone]!
      const higher = higherOf[base + gone]!
      if (lower !== NONE) higherOf[base + lower] = higher
      if (higher !== NONE) lowerOf[base + higher] = lower
    }
    for (let base = 0; base < size * this.#width; base += size) {
      this.#reckonAnew(lowerOf[base + gone]!, left - 1, distances)
      this.#reckonAnew(higherOf[base + gone]!, left - 1, distances)
    }
  }

  /** Without a neighbour a distance only grows, so the member sinks. */
  #reckonAnew(member: number, left: number, distances: Float64Array): void {
    if (member === NONE) return
    const distance = this.#distanceOf(member)
    if (distance === distances[member]) return
    distances[member] = distance
    this.#rise(this.#placeInHeap[member]!, distances)
    this.#sink(this.#placeInHeap[member]!, left, distances)
  }

  #sink(from: number, left: number, distances: Float64Array): void {
    const heap = this.#heap
    const member = heap[from]!
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= left) break
      if (child + 1 < left && isBefore(heap[child + 1]!, heap[child]!, distances)) child++
      if (!isBefore(heap[child]!, member, distances)) break
      this.#put(at, heap[child]!)
      at = child
    }
    this.#put(at, member)
  }

  #rise(from: number, distances: Float64Array): void {
    const heap = this.#heap
    const member = heap[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!isBefore(member, heap[parent]!, distances)) break
      this.#put(at, heap[parent]!)
      at = parent
    }
    this.#put(at, member)
  }

  #put(at: number, member: number): void {
    this.#heap[at] = member
    this.#placeInHeap[member] = at
  }

  #grow(): void {
    const [size, cells] = [this.#size, this.#size * this.#width]
    if (this.#order.length >= size) return
    this.#values = new Float64Array(cells)
    this.#column = new Float64Array(size)
    this.#order = new Uint32Array(size)
    this.#lower = new Uint32Array(cells)
    this.#higher = new Uint32Array(cells)
    this.#heap = new Uint32Array(size)
    this.#placeInHeap = new Uint32Array(size)
  }
}

/** Ties go by place, so that the same front is always pruned alike. */
function isBefore(a: number, b: number, distances: Float64Array): boolean {
  return distances[a]! < distances[b]! || (distances[a] === distances[b] && a < b)
}

/** Range of the finite values; -1 when all values are equal, 0 when no two finite ones are a finite range apart. */
function finiteRange(column: Float64Array, order: Uint32Array, size: number): number {
  let low = 0
  let high = size - 1
  if (size === 0 || column[order[low]!] === column[order[high]!]) return -1
  while (column[order[low]!] === -Infinity) low++
  while (high > low && column[order[high]!] === Infinity) high--
  const range = column[order[high]!]! - column[order[low]!]!
  return Number.isFinite(range) ? range : 0
}
