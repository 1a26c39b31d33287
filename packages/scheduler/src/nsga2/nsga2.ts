import type { Clock, Instant, Rng } from '@fog/kernel'
import { badOption } from './genome.ts'
import { Crowd } from './crowding.ts'
import { Population } from './population.ts'
import type { Front, Problem } from './problem.ts'
import { SuitedDensity } from './prune.ts'

export interface EvolutionOptions<Genome> {
  /** All chance comes from here: the same seed and options give the same front. */
  readonly rng: Rng
  /** Solutions kept from generation to generation, an even number from 4 on. 100. */
  readonly population?: number
  /**
   * What holds solutions apart. `crowding` is the paper's crowding distance; `suited` (default) takes it up to two objectives
   * and the nearest neighbours from three on, see `prune`.
   */
  readonly density?: 'suited' | 'crowding'
  /** Known solutions to begin with, copied, at most as many as the population; chance makes the others. */
  readonly seeds?: readonly Genome[]
}

/** When to end. At least one of the first four must be given; each is looked at before every evaluation. */
export interface Limits<Genome> {
  readonly evaluations?: number
  readonly generations?: number
  readonly deadline?: { readonly clock: Clock; readonly at: Instant }
  readonly signal?: AbortSignal
  /** Told after each generation, the first population counting as one. Its `front()` may be asked for, and takes a copy. */
  readonly onGeneration?: (evolution: Evolution<Genome>) => void
}

export interface Outcome<Genome> extends Front<Genome> {
  readonly evaluations: number
  readonly generations: number
  readonly ended: 'evaluations' | 'generations' | 'deadline' | 'aborted'
}

/**
 * Minimises several objectives at once with NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002) until a limit is reached, and
 * answers the best front so far: anytime, and at least one evaluation is made. See `Evolution` for how it differs from the
 * paper.
 * @throws Nsga2Error `nsga2.bad_option`, or `nsga2.not_a_number` when an evaluation came to one.
 */
export function nsga2<Genome>(
  problem: Problem<Genome>,
  options: EvolutionOptions<Genome> & Limits<Genome>,
): Outcome<Genome> {
  const evolution = new Evolution(problem, options)
  const ended = endOf(evolution, options)
  let reason: Outcome<Genome>['ended'] | undefined
  while (!reason) {
    evolution.step(() => (reason ??= ended()) === undefined)
    options.onGeneration?.(evolution)
    reason ??= ended()
  }
  return { ...evolution.front(), evaluations: evolution.evaluations, generations: evolution.generations, ended: reason }
}

function endOf<Genome>(
  evolution: Evolution<Genome>,
  { evaluations, generations, deadline, signal }: Limits<Genome>,
): () => Outcome<Genome>['ended'] | undefined {
  if (evaluations === undefined && generations === undefined && !deadline && !signal) {
    throw badOption('evaluations', 'given, unless generations, deadline or signal are', undefined)
  }
  const mostEvaluations = limit('evaluations', evaluations)
  const mostGenerations = limit('generations', generations)
  return () => {
    if (evolution.evaluations >= mostEvaluations) return 'evaluations'
    if (evolution.generations >= mostGenerations) return 'generations'
    if (signal?.aborted) return 'aborted'
    return deadline && deadline.clock.now() >= deadline.at ? 'deadline' : undefined
  }
}

function limit(option: string, most: number = Infinity): number {
  if (most >= 1) return most
  throw badOption(option, 'at least 1', most)
}

/**
 * A population on its way, one generation a step, for who wants to look or do other things between.
 *
 * Differs from the paper where that was found better: survivors of the last front are chosen by taking the most crowded out
 * one at a time (`prune`), of feasible solutions equal in all objectives all but the eldest come last, and a
 * child equal to its parent mutates (see the genome kinds). Binary tournaments pair two shuffles of the population, as in
 * Deb's own program, so that each member takes part in exactly two.
 */
export class Evolution<Genome> {
  readonly #problem: Problem<Genome>
  readonly #rng: Rng
  readonly #size: number
  readonly #seeds: readonly Genome[]
  readonly #population: Population<Genome>
  readonly #shuffle: Uint32Array
  #evaluations = 0
  #generations = 0

  constructor(problem: Problem<Genome>, options: EvolutionOptions<Genome>) {
    const { objectiveCount } = problem
    const { rng, population = 100, seeds = [], density = 'suited' } = options
    if (!Number.isInteger(population) || population < 4 || population % 2 === 1) {
      throw badOption('population', 'an even number from 4 on', population)
    }
    if (!Number.isInteger(objectiveCount) || objectiveCount < 1) {
      throw badOption('objectiveCount', 'a whole number from 1 on', objectiveCount)
    }
    if (seeds.length > population) throw badOption('seeds', `at most ${population}, the population`, seeds.length)
    for (const [i, seed] of seeds.entries()) {
      const wanted = problem.genome.wants?.(seed)
      if (wanted !== undefined) throw badOption(`seeds[${i}]`, wanted, `[${String(seed)}]`)
    }
    this.#problem = problem
    this.#rng = rng
    this.#size = population
    this.#seeds = seeds
    this.#population = new Population(
      population,
      objectiveCount,
      density === 'suited' ? new SuitedDensity(objectiveCount) : new Crowd(objectiveCount),
    )
    this.#shuffle = Uint32Array.from({ length: population }, (_, i) => i)
  }

  get evaluations(): number {
    return this.#evaluations
  }

  get generations(): number {
    return this.#generations
  }

  /** The best found so far, copied: at first empty. */
  front(): Front<Genome> {
    return this.#population.front(this.#problem.genome)
  }

  /**
   * One generation: the first makes the population, each further one as many children, and the best of both survive.
   * `mayGoOn` is asked before each evaluation but the very first; what has been evaluated by then still counts.
   */
  step(mayGoOn: () => boolean = () => true): void {
    if (this.#population.count < this.#size) this.#begin(mayGoOn)
    else this.#breed(mayGoOn)
    this.#population.survive(this.#size)
    this.#generations++
  }

  #begin(mayGoOn: () => boolean): void {
    const { genome } = this.#problem
    const { slots } = this.#population
    while (this.#population.count < this.#size && (this.#evaluations === 0 || mayGoOn())) {
      const known = this.#seeds[this.#evaluations]
      slots[this.#population.count] = known === undefined ? genome.random(this.#rng) : genome.copy(known)
      this.#evaluateNext()
    }
    // Room for children: kinds that write in place need an array to write to.
    if (this.#population.count === this.#size && slots.length === this.#size) {
      for (let i = 0; i < this.#size; i++) slots.push(genome.copy(slots[i]!))
    }
  }

  #breed(mayGoOn: () => boolean): void {
    const [size, population, rng] = [this.#size, this.#population, this.#rng]
    const { genome } = this.#problem
    for (let half = 0; half < 2; half++) {
      this.#mix()
      for (let i = 0; i + 3 < size; i += 4) {
        if (!mayGoOn()) return
        const mother = this.#fitter(i)
        const father = this.#fitter(i + 2)
        const child = population.count
        genome.breed(population.slots, mother, father, child, child + 1, rng)
        this.#evaluateNext()
        if (!mayGoOn()) return
        this.#evaluateNext()
      }
    }
    if (size % 4 === 2) this.#breedLastPair(mayGoOn)
  }

  /** Two rounds of fours leave two members over in each when the size is no multiple of four. */
  #breedLastPair(mayGoOn: () => boolean): void {
    const [size, population] = [this.#size, this.#population]
    if (!mayGoOn()) return
    const child = population.count
    const pair = [this.#fitter(0), this.#fitter(size - 2)] as const
    this.#problem.genome.breed(population.slots, ...pair, child, child + 1, this.#rng)
    this.#evaluateNext()
    if (mayGoOn()) this.#evaluateNext()
  }

  #fitter(at: number): number {
    return this.#population.fitter(this.#shuffle[at]!, this.#shuffle[at + 1]!, this.#rng)
  }

  #mix(): void {
    const shuffle = this.#shuffle
    for (let i = shuffle.length - 1; i > 0; i--) {
      const j = Math.floor(this.#rng.next() * (i + 1))
      const member = shuffle[i]!
      shuffle[i] = shuffle[j]!
      shuffle[j] = member
    }
  }

  #evaluateNext(): void {
    const { slots, count } = this.#population
    const objectives = this.#population.objectivesOf(count)
    // What evaluate forgets to write is found out, and not taken for what lay there before.
    objectives.fill(Number.NaN)
    const violation = this.#problem.evaluate(slots[count]!, objectives) ?? 0
    this.#population.add(violation, this.#evaluations)
    this.#evaluations++
  }
}
