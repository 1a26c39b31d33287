import type { Rng } from '@fog/kernel'
import type { Density } from './crowding.ts'
import type { GenomeKind } from './genome.ts'
import { LexicographicSorter } from './lexicographic.ts'
import { Nsga2Error } from './nsga2-error.ts'
import type { Front } from './problem.ts'
import { FrontSorter } from './rank.ts'

/** Parents and children side by side: genomes in slots, figures in flat arrays, all allocated once. */
export class Population<Genome> {
  /** Genomes; the first `count` are evaluated, those behind are room to breed in. */
  readonly slots: Genome[] = []
  readonly #width: number
  readonly #objectives: Float64Array
  readonly #rows: readonly Float64Array[]
  readonly #violations: Float64Array
  readonly #ranks: Uint32Array
  readonly #distances: Float64Array
  readonly #sorter: FrontSorter
  readonly #density: Density
  /** Members by rank, and where each rank begins. */
  readonly #byRank: Uint32Array
  readonly #starts: Uint32Array
  readonly #frontDistances: Float64Array
  readonly #stays: Uint8Array
  #isConstrained = false
  count = 0

  constructor(size: number, objectiveCount: number, density: Density) {
    const room = 2 * size
    this.#width = objectiveCount
    this.#objectives = new Float64Array(room * objectiveCount)
    this.#rows = Array.from({ length: room }, (_, i) =>
      this.#objectives.subarray(i * objectiveCount, (i + 1) * objectiveCount),
    )
    this.#violations = new Float64Array(room)
    this.#ranks = new Uint32Array(room)
    this.#distances = new Float64Array(room)
    this.#sorter = new FrontSorter(objectiveCount)
    this.#density = density
    this.#byRank = new Uint32Array(room)
    this.#starts = new Uint32Array(room + 2)
    this.#frontDistances = new Float64Array(room)
    this.#stays = new Uint8Array(room)
  }

  /** Where the objectives of a slot are written. */
  objectivesOf(slot: number): Float64Array {
    return this.#rows[slot]!
  }

  /** Takes the next slot in, evaluated. `evaluation` is for whoever reads the error. */
  add(violation: number, evaluation: number): void {
    const objectives = this.#rows[this.count]!
    if (violation > 0) missingAreWorst(objectives)
    if (objectives.some(Number.isNaN) || Number.isNaN(violation)) {
      throw new Nsga2Error({ code: 'nsga2.not_a_number', what: 'What evaluate answered', point: evaluation })
    }
    this.#violations[this.count++] = violation > 0 ? violation : 0
    if (violation > 0) this.#isConstrained = true
  }

  /** The winner of a tournament of two: the lower rank, then the less crowded, then either. */
  fitter(a: number, b: number, rng: Rng): number {
    const byRank = this.#ranks[a]! - this.#ranks[b]!
    if (byRank !== 0) return byRank < 0 ? a : b
    const [own, other] = [this.#distances[a]!, this.#distances[b]!]
    if (own !== other) return own > other ? a : b
    return rng.next() < 0.5 ? a : b
  }

  /** Keeps the best `size`: front after front, and of the front that does not fit whole the least crowded. */
  survive(size: number): void {
    const fronts = this.#group()
    this.#stays.fill(0, 0, this.count)
    let kept = 0
    for (let front = 0; front < fronts && kept < size; front++) {
      const members = this.#byRank.subarray(this.#starts[front], this.#starts[front + 1])
      const left = this.#density.prune(this.#objectives, members, size - kept, this.#frontDistances)
      for (let i = 0; i < left; i++) {
        this.#stays[members[i]!] = 1
        this.#distances[members[i]!] = this.#frontDistances[i]!
      }
      kept += left
    }
    this.#closeRanks(kept)
  }

  /** Ranks all and lays them out by rank. Repeats go behind everything else, as one front more. */
  #group(): number {
    const [count, ranks, starts] = [this.count, this.#ranks, this.#starts]
    const violations = this.#isConstrained ? this.#violations : undefined
    const fronts = this.#sorter.sort(this.#objectives, count, ranks, violations)
    const { repeats } = this.#sorter
    starts.fill(0, 0, fronts + 2)
    for (let i = 0; i < count; i++) {
      if (repeats[i] === 1) ranks[i] = fronts
      starts[ranks[i]! + 1]!++
    }
    for (let front = 1; front <= fronts + 1; front++) starts[front]! += starts[front - 1]!
    for (let i = 0; i < count; i++) this.#byRank[starts[ranks[i]!]!++] = i
    starts.copyWithin(1, 0, fronts + 1)
    starts[0] = 0
    return fronts + 1
  }

  /** Moves who stays to the first places; the genomes that go make room for children. */
  #closeRanks(kept: number): void {
    let hole = 0
    for (let i = kept; i < this.count; i++) {
      if (this.#stays[i] === 0) continue
      while (this.#stays[hole] === 1) hole++
      this.#stays[hole] = 1
      const genome = this.slots[hole]!
      this.slots[hole] = this.slots[i]!
      this.slots[i] = genome
      this.#rows[hole]!.set(this.#rows[i]!)
      this.#violations[hole] = this.#violations[i]!
      this.#ranks[hole] = this.#ranks[i]!
      this.#distances[hole] = this.#distances[i]!
    }
    this.count = kept
  }

  /** The members of rank 0, copied, sorted by their objectives. */
  front(kind: GenomeKind<Genome>): Front<Genome> {
    const width = this.#width
    const members = Array.from({ length: this.count }, (_, i) => i).filter((i) => this.#ranks[i] === 0)
    const rows = Float64Array.from(members.flatMap((i) => [...this.#rows[i]!]))
    const order = new Uint32Array(members.length)
    new LexicographicSorter().sort(rows, width, members.length, order)
    const sorted = Array.from(order, (at) => members[at]!)
    return {
      genomes: sorted.map((i) => kind.copy(this.slots[i]!)),
      objectives: Float64Array.from(sorted.flatMap((i) => [...this.#rows[i]!])),
      violations: Float64Array.from(sorted, (i) => this.#violations[i]!),
    }
  }
}

/** What breaks a constraint need not be evaluated further: whatever else it is, it stands behind all that is feasible. */
function missingAreWorst(objectives: Float64Array): void {
  for (let k = 0; k < objectives.length; k++) if (Number.isNaN(objectives[k])) objectives[k] = Number.POSITIVE_INFINITY
}
