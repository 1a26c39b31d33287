import type { Rng } from '@fog/kernel'
import { badOption, type Bounds, bounded, checkBounds, type GenomeKind, isEqual, skip, wantsWithin } from './genome.ts'
import { crossNumber, mutateNumber } from './variation.ts'

export interface IntegerOptions extends Bounds {
  /**
   * What the numbers are. `amounts` (default) have an order, so that 4 lies between 3 and 5: simulated binary crossover and
   * polynomial mutation, rounded. `choices` are names without order, as the node of each task: each is taken from either
   * parent, and mutates to any other.
   */
  readonly of?: 'amounts' | 'choices'
  /** Chance that two parents cross at all. 0.9. */
  readonly crossoverChance?: number
  /** Chance of each number to mutate. One in n. */
  readonly mutationChance?: number
  /** Distribution indices for amounts, as for `real`. 15 and 20. */
  readonly crossoverIndex?: number
  readonly mutationIndex?: number
}

/**
 * Vectors of n whole numbers within bounds, as Int32Array. A child that came out equal to its parent mutates in one number.
 * @throws Nsga2Error `nsga2.bad_option`.
 */
export function integer(options: IntegerOptions): GenomeKind<Int32Array> {
  checkBounds(options)
  const lower = wholeNumbers('lower', options.lower)
  const upper = wholeNumbers('upper', options.upper)
  const length = lower.length
  const crossoverChance = bounded('crossoverChance', options.crossoverChance ?? 0.9, 0, 1)
  const mutationChance = bounded('mutationChance', options.mutationChance ?? 1 / length, 0, 1)
  const crossoverIndex = bounded('crossoverIndex', options.crossoverIndex ?? 15, 0, Infinity)
  const mutationIndex = bounded('mutationIndex', options.mutationIndex ?? 20, 0, Infinity)
  const isOrdered = options.of !== 'choices'
  const children = new Float64Array(2)

  function cross(mother: Int32Array, father: Int32Array, first: Int32Array, second: Int32Array, rng: Rng): void {
    for (let i = 0; i < length; i++) {
      if (mother[i] === father[i] || rng.next() >= 0.5) continue
      children[0] = father[i]!
      children[1] = mother[i]!
      if (isOrdered) crossNumber(mother[i]!, father[i]!, lower[i]!, upper[i]!, crossoverIndex, children, rng)
      first[i] = Math.round(children[0])
      second[i] = Math.round(children[1])
    }
  }

  function mutate(genome: Int32Array, parent: Int32Array, rng: Rng): void {
    for (let i = skip(mutationChance, rng); i < length; i += 1 + skip(mutationChance, rng)) mutateAt(genome, i, rng)
    if (mutationChance > 0 && isEqual(genome, parent)) mutateAt(genome, Math.floor(rng.next() * length), rng)
  }

  /** Always to another number, where there is one: a step that rounds to nothing goes to the next in its direction. */
  function mutateAt(genome: Int32Array, i: number, rng: Rng): void {
    const [value, least, most] = [genome[i]!, lower[i]!, upper[i]!]
    if (least === most) return
    if (!isOrdered) {
      const other = least + Math.floor(rng.next() * (most - least))
      genome[i] = other < value ? other : other + 1
      return
    }
    const moved = mutateNumber(value, least, most, mutationIndex, rng)
    const rounded = Math.round(moved)
    genome[i] = rounded !== value ? rounded : (moved < value && value > least) || value === most ? value - 1 : value + 1
  }

  return {
    random: (rng) => lower.map((least, i) => least + Math.floor(rng.next() * (upper[i]! - least + 1))),
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

function wholeNumbers(option: string, values: ArrayLike<number>): Int32Array {
  const whole = Int32Array.from(values)
  const wrong = whole.findIndex((value, i) => value !== values[i])
  if (wrong !== -1) throw badOption(`${option}[${wrong}]`, 'a whole number of 32 bits', values[wrong])
  return whole
}
