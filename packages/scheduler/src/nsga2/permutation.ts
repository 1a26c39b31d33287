import type { Rng } from '@fog/kernel'
import { badOption, bounded, type GenomeKind, isEqual } from './genome.ts'

export interface PermutationOptions {
  /** How many things are put in order: the numbers from 0 up to it. */
  readonly length: number
  /** Chance that two parents cross at all. 0.9. */
  readonly crossoverChance?: number
  /** Chance of a child to be mutated: one thing moves elsewhere, two swap, or a stretch turns round, a third each. 0.5. */
  readonly mutationChance?: number
}

/**
 * Orders of `length` things, as Int32Array: order crossover (Davis, "Applying adaptive algorithms to epistatic domains",
 * 1985), which keeps a stretch of one parent and the order of the other, then a move, a swap or an inversion. A child that came out
 * equal to its parent is always mutated.
 * @throws Nsga2Error `nsga2.bad_option`.
 */
export function permutation(options: PermutationOptions): GenomeKind<Int32Array> {
  const { length } = options
  if (!Number.isInteger(length) || length < 1) throw badOption('length', 'a whole number from 1 on', length)
  const crossoverChance = bounded('crossoverChance', options.crossoverChance ?? 0.9, 0, 1)
  const mutationChance = bounded('mutationChance', options.mutationChance ?? 0.5, 0, 1)
  const isKept = new Uint8Array(length)

  function mutate(genome: Int32Array, parent: Int32Array, rng: Rng): void {
    if (length < 2) return
    if (rng.next() >= mutationChance && !(mutationChance > 0 && isEqual(genome, parent))) return
    const a = Math.floor(rng.next() * length)
    const other = Math.floor(rng.next() * (length - 1))
    const b = other < a ? other : other + 1
    const kind = rng.next() * 3
    if (kind < 1) move(genome, a, b)
    else if (kind < 2) swap(genome, a, b)
    else genome.subarray(Math.min(a, b), Math.max(a, b) + 1).reverse()
  }

  return {
    random(rng) {
      const genome = Int32Array.from({ length }, (_, i) => i)
      for (let i = length - 1; i > 0; i--) swap(genome, i, Math.floor(rng.next() * (i + 1)))
      return genome
    },
    copy: (genome) => genome.slice(),
    wants: (genome) =>
      genome.length === length && genome.toSorted().every((gene, i) => gene === i)
        ? undefined
        : `an order of the numbers from 0 to ${length - 1}`,
    breed(slots, mother, father, first, second, rng) {
      const [one, other, daughter, son] = [slots[mother]!, slots[father]!, slots[first]!, slots[second]!]
      daughter.set(one)
      son.set(other)
      if (rng.next() < crossoverChance) {
        const a = Math.floor(rng.next() * length)
        const b = Math.floor(rng.next() * length)
        const [from, to] = [Math.min(a, b), Math.max(a, b) + 1]
        crossOrder(one, other, daughter, from, to, isKept)
        crossOrder(other, one, son, from, to, isKept)
      }
      mutate(daughter, one, rng)
      mutate(son, other, rng)
    },
  }
}

/** Keeps `[from, to)` of one parent and fills the rest, from behind the stretch round, in the order of the other. */
function crossOrder(
  keeper: Int32Array,
  filler: Int32Array,
  child: Int32Array,
  from: number,
  to: number,
  isKept: Uint8Array,
): void {
  const length = child.length
  isKept.fill(0)
  for (let i = from; i < to; i++) isKept[keeper[i]!] = 1
  let at = to % length
  for (let i = 0; i < length; i++) {
    const gene = filler[(to + i) % length]!
    if (isKept[gene] === 1) continue
    child[at] = gene
    at = at + 1 === length ? 0 : at + 1
  }
}

function move(genome: Int32Array, from: number, to: number): void {
  const gene = genome[from]!
  if (from < to) genome.copyWithin(from, from + 1, to + 1)
  else genome.copyWithin(to + 1, to, from)
  genome[to] = gene
}

function swap(genome: Int32Array, a: number, b: number): void {
  const gene = genome[a]!
  genome[a] = genome[b]!
  genome[b] = gene
}
