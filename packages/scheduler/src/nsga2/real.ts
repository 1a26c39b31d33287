import type { Rng } from '@fog/kernel'
import { type Bounds, bounded, checkBounds, type GenomeKind, isEqual, skip, wantsWithin } from './genome.ts'
import { crossNumber, mutateNumber } from './variation.ts'

export interface RealOptions extends Bounds {
  /** Chance that two parents cross at all. 0.9 (Deb et al. 2002). */
  readonly crossoverChance?: number
  /** Distribution index of simulated binary crossover: larger keeps children nearer their parents. 20. */
  readonly crossoverIndex?: number
  /** Chance of each number to mutate. One in n. */
  readonly mutationChance?: number
  /** Distribution index of polynomial mutation. 20. */
  readonly mutationIndex?: number
}

/**
 * Vectors of n real numbers within bounds, as Float64Array: simulated binary crossover, each number with a chance of a half,
 * then polynomial mutation. A child that came out equal to its parent mutates in one number: to evaluate it again would
 * tell nothing.
 * @throws Nsga2Error `nsga2.bad_option`.
 */
export function real(options: RealOptions): GenomeKind<Float64Array> {
  checkBounds(options)
  const lower = Float64Array.from(options.lower)
  const upper = Float64Array.from(options.upper)
  const length = lower.length
  const crossoverChance = bounded('crossoverChance', options.crossoverChance ?? 0.9, 0, 1)
  const crossoverIndex = bounded('crossoverIndex', options.crossoverIndex ?? 20, 0, Infinity)
  const mutationChance = bounded('mutationChance', options.mutationChance ?? 1 / length, 0, 1)
  const mutationIndex = bounded('mutationIndex', options.mutationIndex ?? 20, 0, Infinity)
  const children = new Float64Array(2)

  function cross(
    mother: Float64Array,
    father: Float64Array,
    first: Float64Array,
    second: Float64Array,
    rng: Rng,
  ): void {
    for (let i = 0; i < length; i++) {
      if (mother[i] === father[i] || rng.next() >= 0.5) continue
      crossNumber(mother[i]!, father[i]!, lower[i]!, upper[i]!, crossoverIndex, children, rng)
      first[i] = children[0]!
      second[i] = children[1]!
    }
  }

  function mutate(genome: Float64Array, parent: Float64Array, rng: Rng): void {
    for (let i = skip(mutationChance, rng); i < length; i += 1 + skip(mutationChance, rng)) mutateAt(genome, i, rng)
    if (mutationChance > 0 && isEqual(genome, parent)) mutateAt(genome, Math.floor(rng.next() * length), rng)
  }

  function mutateAt(genome: Float64Array, i: number, rng: Rng): void {
    genome[i] = mutateNumber(genome[i]!, lower[i]!, upper[i]!, mutationIndex, rng)
  }

  return {
    random: (rng) => Float64Array.from(lower, (least, i) => least + rng.next() * (upper[i]! - least)),
    copy: (genome) => genome.slice(),
    wants: (genome) => wantsWithin(genome, lower, upper),
    breed(slots, mother, father, first, second, rng) {
      const [one, other, daughter, son] = [slots[mother]!, slots[father]!, slots[first]!, slots[second]!]
      daughter.set(one)
      son.set(other)
      if (rng.next() < crossoverChance) cross(one, other, daughter, son, rng)
      mutate(daughter, one, rng)
      mutate(son, other, rng)
    },
  }
}
