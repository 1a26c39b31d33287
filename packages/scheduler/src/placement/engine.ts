import type { Rng } from '@fog/kernel'
import { randomBelow } from '@fog/kernel'
import { Archive, type Member } from './archive.ts'
import { Arrangement } from './arrangement.ts'
import { referenceOf, scalesOf, valuesOf } from './baselines.ts'
import { crossNodes } from './crossover.ts'
import { Descent } from './descent.ts'
import { Direction, latticeSteps, latticeWeights } from './direction.ts'
import { intensify } from './intensify.ts'
import { OBJECTIVES, type PlacementModel, WAITS } from './model.ts'
import { ORDER_NAMES, orderTasks, byRule, byWeight, RULE_NAMES } from './rules.ts'
import { survivors } from './survival.ts'

export interface EngineOptions {
  /** Points the front keeps at most. */
  readonly archiveBound?: number | undefined
}

/** A member of the population, with the way it walks downhill. */
export interface Individual extends Member {
  readonly direction: Direction
}

/** Tasks settled between two rests. */
const CHUNK = 128

/** Children of a generation. */
const CHILDREN = 16

/** Points of a front that people and policies can still look through. */
export const ARCHIVE_BOUND = 100

/**
 * The memetic NSGA-II: begins with greedy rules and a sweep of weights, each made better by a short descent along its own
 * direction; then children take over whole nodes of another parent, are changed, repaired and walked downhill; rank and
 * crowding say who stays. Every arrangement is feasible at every instant.
 *
 * Anytime: `step` does a small piece of work, and `front` is the best so far after any of them. The same seed walks the
 * same way. Every greedy and every sweep point stays weakly dominated by the front once it was found.
 */
export class PlacementEngine {
  readonly model: PlacementModel
  readonly archive: Archive
  readonly #at: Arrangement
  readonly #rng: Rng
  readonly #descent: Descent
  readonly #work: Generator<void, never>
  #directions: Direction[] = []
  #population: Individual[] = []
  #isSeeded = false
  #scales: Float64Array
  /** Places of the front's objectives among all six, and room for what an arrangement is worth in them. */
  readonly #numbers: readonly number[]
  readonly #values: Float64Array

  constructor(model: PlacementModel, rng: Rng, { archiveBound = ARCHIVE_BOUND }: EngineOptions = {}) {
    this.model = model
    this.archive = new Archive(model.objectives.length, archiveBound)
    this.#rng = rng
    this.#at = new Arrangement(model)
    this.#descent = new Descent(this.#at, rng, () => this.#offer())
    this.#numbers = model.objectives.map((name) => OBJECTIVES.indexOf(name))
    this.#values = new Float64Array(model.objectives.length)
    this.#scales = new Float64Array(model.objectives.length).fill(1)
    this.#work = this.#search()
  }

  /** Placements weighed so far. */
  get looks(): number {
    return this.#descent.looks
  }

  get front(): readonly Member[] {
    return this.archive.members
  }

  /** Whether every greedy and every sweep point was found. */
  get isSeeded(): boolean {
    return this.#isSeeded
  }

  /** Does the next piece of work: the time of some hundred tasks looking at all nodes at most, mostly far less. */
  step(): void {
    this.#work.next()
  }

  *#search(): Generator<void, never> {
    yield* this.#seed()
    this.#isSeeded = true
    if (!this.model.placeable.includes(1)) for (;;) yield
    if (this.model.objectives.length === 1) yield* this.#intensify()
    yield* this.#settleSeeds()
    for (;;) yield* this.#generation()
  }

  /** Greedy points, which set the scales, then the sweep; the front answers for each of them from now on. */
  *#seed(): Generator<void> {
    const { model } = this
    const greedy: Member[] = []
    for (const order of ORDER_NAMES) {
      const tasks = orderTasks(model, order)
      for (const rule of RULE_NAMES) {
        yield* byRule(this.#at, tasks, rule)
        greedy.push(this.#guarded())
        yield
      }
    }
    this.#scales = scalesOf(greedy)
    this.archive.measureTo(referenceOf(greedy))
    const width = model.objectives.length
    const tasks = orderTasks(model, 'arrival')
    for (const weights of latticeWeights(width, latticeSteps(width))) {
      const direction = new Direction(model, weights, this.#scales)
      this.#directions.push(direction)
      yield* byWeight(this.#at, tasks, direction)
      this.#population.push({ ...this.#guarded(), direction })
      yield
    }
  }

  /** One objective has one best point: all effort goes there. */
  *#intensify(): Generator<void> {
    const best = bestIn(this.#directions[0]!, this.archive.members)
    yield* intensify(this.#at, this.#directions[0]!, best, this.#rng, () => this.#offer())
  }

  /**
   * The best point known in each direction, walked downhill. Far directions come first, so that a search cut short has been
   * everywhere, and the later ones begin near their end.
   */
  *#settleSeeds(): Generator<void> {
    const tasks = orderTasks(this.model, 'arrival')
    for (const place of spread(this.#population.length)) {
      const { direction } = this.#population[place]!
      const known = [...this.archive.members, ...this.#population]
      this.#at.load(bestIn(direction, known).nodeOf)
      for (let from = 0; from < tasks.length; from += CHUNK) {
        this.#descent.settle(direction, tasks.subarray(from, from + CHUNK), 2)
        yield
      }
      this.#descent.emptySome(direction, this.model.nodes)
      this.#offer()
      this.#population[place] = this.#individual(direction)
      yield
    }
  }

  *#generation(): Generator<void> {
    const children: Individual[] = []
    for (let child = 0; child < CHILDREN; child += 1) {
      children.push(this.#child())
      yield
    }
    this.#population = survivors([...this.#population, ...children], this.#directions.length)
  }

  #child(): Individual {
    const rng = this.#rng
    const known = rng.next() < 0.5 ? this.archive.members : this.#population
    const mother = known[randomBelow(rng, known.length)]!
    const direction = this.#directionOf(mother)
    const father = this.#fatherIn(direction)
    this.#at.load(mother.nodeOf)
    const touched = crossNodes(this.#at, father.nodeOf, rng)
    this.#descent.repair(direction, touched)
    this.#descent.settle(direction, this.#neighbourhood(touched), 2)
    this.#descent.emptySome(direction, 4)
    this.#offer()
    return this.#individual(direction)
  }

  /** Tasks the crossover touched, and as many others at random. */
  #neighbourhood(touched: readonly number[]): Int32Array {
    const { tasks, placeable } = this.model
    const others = Array.from({ length: touched.length + 16 }, () => randomBelow(this.#rng, tasks))
    return Int32Array.from([...touched, ...others].filter((task) => placeable[task] === 1))
  }

  /** Its own direction, or where it has none one drawn at random. */
  #directionOf(member: Member): Direction {
    if ('direction' in member) return (member as Individual).direction
    const draws = Float64Array.from(this.model.objectives, () => -Math.log(1 - this.#rng.next()))
    const sum = draws.reduce((a, b) => a + b)
    return new Direction(
      this.model,
      draws.map((draw) => draw / sum),
      this.#scales,
    )
  }

  /** Of a few, the one that is best in this direction. */
  #fatherIn(direction: Direction): Member {
    const few = Array.from({ length: 4 }, () => this.#population[randomBelow(this.#rng, this.#population.length)]!)
    return bestIn(direction, few)
  }

  #offer(): void {
    for (const [at, k] of this.#numbers.entries()) this.#values[at] = this.#at.totals[k]!
    this.archive.offer(this.#values, this.#at.nodeOf)
  }

  #guarded(): Member {
    const member = { values: valuesOf(this.#at), nodeOf: this.#at.nodeOf.slice() }
    this.archive.guard(member.values)
    this.archive.offer(member.values, member.nodeOf)
    return member
  }

  #individual(direction: Direction): Individual {
    return { values: valuesOf(this.#at), nodeOf: this.#at.nodeOf.slice(), direction }
  }
}

function bestIn(direction: Direction, members: readonly Member[]): Member {
  let best = members[0]!
  let least = Number.POSITIVE_INFINITY
  for (const member of members) {
    const value = direction.sumOf(member.values)
    if (value >= least) continue
    best = member
    least = value
  }
  return best
}

/** All numbers below `size`, each far from the one before. */
function spread(size: number): number[] {
  let stride = Math.max(1, Math.round(size * 0.382))
  while (greatestDivisor(stride, size) > 1) stride += 1
  return Array.from({ length: size }, (_, i) => (i * stride) % size)
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

/** Tasks that wait. */
export function waitingOf(member: Member): number {
  return member.nodeOf.reduce((count, node) => count + (node === WAITS ? 1 : 0), 0)
}
