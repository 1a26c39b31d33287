import type { Rng } from '@fog/kernel'
import { Nsga2Error } from './nsga2-error.ts'

/**
 * What a solution is made of, and how solutions vary. `real`, `integer` and `permutation` are ready; `own` takes any other.
 * All chance comes from the `rng` handed in.
 */
export interface GenomeKind<Genome> {
  /** A new solution drawn from the whole space. */
  random(rng: Rng): Genome
  /** A copy that later changes do not reach. */
  copy(genome: Genome): Genome
  /** What a solution from outside must be, where this one is not: `of 30 numbers`. Kinds that take anything leave it out. */
  wants?(genome: Genome): string | undefined
  /**
   * Puts two children of two parents at the places `first` and `second` of `slots`: kinds that write in place keep the array
   * that lies there, so breeding allocates nothing. The parents' places are left alone.
   */
  breed(slots: Genome[], mother: number, father: number, first: number, second: number, rng: Rng): void
}

/** Variation of a genome of the user's own making, on values that are never changed in place. */
export interface OwnGenome<Genome> {
  readonly random: (rng: Rng) => Genome
  readonly crossover: (mother: Genome, father: Genome, rng: Rng) => readonly [Genome, Genome]
  readonly mutate: (genome: Genome, rng: Rng) => Genome
}

/** A genome of any type: trees, graphs, plans. What the three functions answer must not be changed afterwards. */
export function own<Genome>({ random, crossover, mutate }: OwnGenome<Genome>): GenomeKind<Genome> {
  return {
    random,
    copy: (genome) => genome,
    breed(slots, mother, father, first, second, rng) {
      const [daughter, son] = crossover(slots[mother]!, slots[father]!, rng)
      slots[first] = mutate(daughter, rng)
      slots[second] = mutate(son, rng)
    },
  }
}

/** Where each of n numbers lies: from `lower[i]` to `upper[i]`, both included. */
export interface Bounds {
  readonly lower: ArrayLike<number>
  readonly upper: ArrayLike<number>
}

/** Throws unless there are as many lower as upper bounds, none below the other and all finite. */
export function checkBounds({ lower, upper }: Bounds): void {
  if (lower.length !== upper.length || lower.length === 0) {
    throw badOption('upper', `as long as lower, which has ${lower.length}`, upper.length)
  }
  for (let i = 0; i < lower.length; i++) {
    const [least, most] = [lower[i]!, upper[i]!]
    if (!Number.isFinite(least)) throw badOption(`lower[${i}]`, 'finite', least)
    if (!Number.isFinite(most) || most < least) throw badOption(`upper[${i}]`, `finite and at least ${least}`, most)
  }
}

/** The option, or its default; it must lie from `least` to `most`. */
export function bounded(option: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value
  throw badOption(option, most === Infinity ? `at least ${least}` : `from ${least} to ${most}`, value)
}

/** What numbers from outside must be to lie within bounds; undefined when they do. */
export function wantsWithin(
  genome: ArrayLike<number>,
  lower: ArrayLike<number>,
  upper: ArrayLike<number>,
): string | undefined {
  if (genome.length !== lower.length) return `${lower.length} long`
  for (let i = 0; i < genome.length; i++) {
    if (!(genome[i]! >= lower[i]! && genome[i]! <= upper[i]!)) return `within its bounds at place ${i}`
  }
  return undefined
}

export function badOption(option: string, expected: string, found: string | number | undefined): Nsga2Error {
  return new Nsga2Error({ code: 'nsga2.bad_option', option, expected, found: String(found) })
}

/**
 * How many places to skip until the next that changes, when each does with one `chance`: geometric, so that a draw is made
 * for each change rather than for each place.
 */
export function skip(chance: number, rng: Rng): number {
  if (chance >= 1) return 0
  // 1 - next() lies in (0, 1]: its logarithm is finite.
  return Math.floor(Math.log(1 - rng.next()) / Math.log1p(-chance))
}

export function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
