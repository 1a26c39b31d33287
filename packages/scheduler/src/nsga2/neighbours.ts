import type { Density } from './crowding.ts'

const NONE = 0xffff_ffff

/**
 * How alone each member of a front stands: the product of the distances to its m nearest neighbours, each objective as a
 * share of the front's range (Kukkonen and Deb, "A fast and effective method for pruning of non-dominated solutions in
 * many-objective problems", 2006). From three objectives on, neighbours in one objective may lie far apart in the others, so
 * that crowding distances say little. The members that are least in an objective get Infinity.
 *
 * O(n² m) for a front of n. Infinite objectives stand at the front's finite bounds.
 */
export class Neighbourhood implements Density {
  readonly #width: number
  readonly #least: Float64Array
  readonly #most: Float64Array
  /** Rows of the front, each objective from 0 to 1. */
  #rows = new Float64Array(0)
  /** For each member its m nearest, nearest first, and the squares of their distances. */
  #nearest = new Uint32Array(0)
  #squares = new Float64Array(0)
  #isExtreme = new Uint8Array(0)
  #isGone = new Uint8Array(0)
  #size = 0

  constructor(objectiveCount: number) {
    this.#width = objectiveCount
    this.#least = new Float64Array(objectiveCount)
    this.#most = new Float64Array(objectiveCount)
  }

  measure(objectives: Float64Array, members: Uint32Array, distances: Float64Array): void {
    this.#size = members.length
    this.#grow()
    this.#normalise(objectives, members)
    this.#meet()
    for (let i = 0; i < this.#size; i++) distances[i] = this.#productOf(i)
  }

  prune(objectives: Float64Array, members: Uint32Array, keep: number, distances: Float64Array): number {
    this.measure(objectives, members, distances)
    const size = this.#size
    if (size <= keep) return size
    this.#isGone.fill(0, 0, size)
    for (let left = size; left > keep; left--) this.#remove(this.#mostCrowded(distances), distances)
    let kept = 0
    for (let i = 0; i < size; i++) {
      if (this.#isGone[i] === 1) continue
      members[kept] = members[i]!
      distances[kept++] = distances[i]!
    }
    return kept
  }

  #normalise(objectives: Float64Array, members: Uint32Array): void {
    const [size, width, rows] = [this.#size, this.#width, this.#rows]
    this.#isExtreme.fill(0, 0, size)
    for (let k = 0; k < width; k++) {
      let [least, most, extreme] = [Infinity, -Infinity, 0]
      for (let i = 0; i < size; i++) {
        const value = objectives[members[i]! * width + k]!
        if (value < objectives[members[extreme]! * width + k]!) extreme = i
        if (value < least && value !== -Infinity) least = value
        if (value > most && value !== Infinity) most = value
      }
      this.#least[k] = least
      this.#most[k] = most
      if (size > 0) this.#isExtreme[extreme] = 1
    }
    for (let i = 0; i < size; i++) {
      const from = members[i]! * width
      for (let k = 0; k < width; k++)
        rows[i * width + k] = share(objectives[from + k]!, this.#least[k]!, this.#most[k]!)
    }
  }

  /** Each pair meets once and both remember the other, if it is near enough. */
  #meet(): void {
    const [size, width, rows] = [this.#size, this.#width, this.#rows]
    this.#nearest.fill(NONE, 0, size * width)
    this.#squares.fill(Infinity, 0, size * width)
    const squares = this.#squares
    for (let i = 1; i < size; i++) {
      for (let j = 0; j < i; j++) {
        let square = 0
        for (let k = 0; k < width; k++) {
          const gap = rows[i * width + k]! - rows[j * width + k]!
          square += gap * gap
        }
        if (square < squares[(i + 1) * width - 1]!) this.#remember(i, j, square)
        if (square < squares[(j + 1) * width - 1]!) this.#remember(j, i, square)
      }
    }
  }

  #remember(member: number, other: number, square: number): void {
    const first = member * this.#width
    let at = first + this.#width - 1
    while (at > first && this.#squares[at - 1]! > square) {
      this.#squares[at] = this.#squares[at - 1]!
      this.#nearest[at] = this.#nearest[at - 1]!
      at--
    }
    this.#squares[at] = square
    this.#nearest[at] = other
  }

  #productOf(member: number): number {
    if (this.#isExtreme[member] === 1) return Infinity
    let product = 1
    const end = (member + 1) * this.#width
    // A front smaller than m + 1 has fewer neighbours; those missing do not count.
    for (let at = member * this.#width; at < end && this.#nearest[at] !== NONE; at++) product *= this.#squares[at]!
    return product
  }

  /** Of members that stand equally close the first, so that the same front is always pruned alike. */
  #mostCrowded(distances: Float64Array): number {
    let most = -1
    for (let i = 0; i < this.#size; i++) {
      if (this.#isGone[i] === 1) continue
      if (most === -1 || distances[i]! < distances[most]!) most = i
    }
    return most
  }

  #remove(gone: number, distances: Float64Array): void {
    const width = this.#width
    this.#isGone[gone] = 1
    for (let i = 0; i < this.#size; i++) {
      if (this.#isGone[i] === 1) continue
      let knew = false
      for (let at = i * width; at < (i + 1) * width; at++) if (this.#nearest[at] === gone) knew = true
      if (!knew) continue
      this.#lookRound(i)
      distances[i] = this.#productOf(i)
    }
  }

  #lookRound(member: number): void {
    const [size, width, rows] = [this.#size, this.#width, this.#rows]
    const last = (member + 1) * width - 1
    this.#nearest.fill(NONE, member * width, last + 1)
    this.#squares.fill(Infinity, member * width, last + 1)
    for (let j = 0; j < size; j++) {
      if (j === member || this.#isGone[j] === 1) continue
      let square = 0
      for (let k = 0; k < width; k++) {
        const gap = rows[member * width + k]! - rows[j * width + k]!
        square += gap * gap
      }
      if (square < this.#squares[last]!) this.#remember(member, j, square)
    }
  }

  #grow(): void {
    const [size, cells] = [this.#size, this.#size * this.#width]
    if (this.#isGone.length >= size) return
    this.#rows = new Float64Array(cells)
    this.#nearest = new Uint32Array(cells)
    this.#squares = new Float64Array(cells)
    this.#isExtreme = new Uint8Array(size)
    this.#isGone = new Uint8Array(size)
  }
}

function share(value: number, least: number, most: number): number {
  if (most <= least) return value === Infinity ? 1 : 0
  if (value <= least) return 0
  // Halves, because the difference of two numbers may be too large for one.
  return value >= most ? 1 : (value / 2 - least / 2) / (most / 2 - least / 2)
}
