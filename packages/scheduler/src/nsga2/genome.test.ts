import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GenomeKind, integer, permutation, real } from './index.ts'

/** Breeds many pairs from random parents and answers parents and children. */
function families<Genome>(kind: GenomeKind<Genome>, seed: number, count = 200): Genome[][] {
  const rng = seededRng(seed)
  return Array.from({ length: count }, () => {
    const slots = Array.from({ length: 4 }, () => kind.random(rng))
    kind.breed(slots, 0, 1, 2, 3, rng)
    return slots
  })
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })

describe('real numbers', () => {
  const lower = [-5, 0, 3, 1e-300]
  const upper = [5, 1e9, 3, 1]
  test('stay within their bounds, and parents stay as they were', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const kind = real({ lower, upper, mutationChance: 0.5 })
        for (const slots of families(kind, seed, 20)) {
          for (const genome of slots) {
            expect(genome.every((value, i) => value >= lower[i]! && value <= upper[i]!)).toBe(true)
          }
        }
      }),
    )
  })
  test('cross about the mean of their parents', () => {
    const kind = real({ lower: [0], upper: [1000], crossoverChance: 1, mutationChance: 0 })
    for (const [mother, father, daughter, son] of families(kind, 1)) {
      // Far from the bounds both children keep the mean; near one the spread on its side is less.
      if (Math.min(mother![0]!, father![0]!) < 300 || Math.max(mother![0]!, father![0]!) > 700) continue
      expect((daughter![0]! + son![0]!) / 2).toBeCloseTo((mother![0]! + father![0]!) / 2, 0)
    }
  })
  test('give no child that is its parent over again', () => {
    const kind = real({ lower: Array<number>(9).fill(0), upper: Array<number>(9).fill(1) })
    const repeats = families(kind, 2, 2000).filter(([mother, , daughter]) => String(mother) === String(daughter))
    expect(repeats).toEqual([])
  })
})

describe('whole numbers', () => {
  test.each(['amounts', 'choices'] as const)('that are %s stay whole and within their bounds', (of) => {
    const kind = integer({ lower: [-3, 0, 7, 0], upper: [3, 1, 7, 1000], of, mutationChance: 0.5 })
    for (const slots of families(kind, 3)) {
      for (const [a, b, c, d] of slots) {
        expect(a! >= -3 && a! <= 3 && b! >= 0 && b! <= 1 && c === 7 && d! >= 0 && d! <= 1000).toBe(true)
      }
    }
  })
  test('that are choices are each taken from a parent, unless they mutate', () => {
    const kind = integer({
      lower: Array<number>(20).fill(0),
      upper: Array<number>(20).fill(9),
      of: 'choices',
      mutationChance: 0,
    })
    for (const [mother, father, daughter, son] of families(kind, 4)) {
      daughter!.forEach((gene, i) => {
        expect([
          [gene, son![i]],
          [son![i], gene],
        ]).toContainEqual([mother![i], father![i]])
      })
    }
  })
  test('reach all values by mutation alone', () => {
    for (const of of ['amounts', 'choices'] as const) {
      const kind = integer({ lower: [0], upper: [9], of, crossoverChance: 0, mutationChance: 1 })
      const seen = new Set(families(kind, 5, 500).map(([, , daughter]) => daughter![0]))
      expect(seen).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
    }
  })
})

describe('orders', () => {
  test('stay orders of all things', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 12 }), (seed, length) => {
        const all = Array.from({ length }, (_, i) => i)
        for (const slots of families(permutation({ length }), seed, 20)) {
          for (const genome of slots) expect([...genome].sort((a, b) => a - b)).toEqual(all)
        }
      }),
    )
  })
  test('cross so that a child of equal parents is its parents', () => {
    const kind = permutation({ length: 9, mutationChance: 0, crossoverChance: 1 })
    const rng = seededRng(6)
    const parent = kind.random(rng)
    const slots = [parent, kind.copy(parent), kind.random(rng), kind.random(rng)]
    kind.breed(slots, 0, 1, 2, 3, rng)
    expect(slots[2]).toEqual(parent)
  })
})

describe('options that make no sense are refused', () => {
  test.each([
    [() => real({ lower: [0, 1], upper: [1] }), 'as long as lower'],
    [() => real({ lower: [], upper: [] }), 'as long as lower'],
    [() => real({ lower: [2], upper: [1] }), 'at least 2'],
    [() => real({ lower: [Number.NaN], upper: [1] }), 'lower[0] must be finite'],
    [() => real({ lower: [0], upper: [1], mutationChance: 2 }), 'mutationChance must be from 0 to 1, not 2'],
    [() => integer({ lower: [0.5], upper: [1] }), 'a whole number of 32 bits'],
    [() => permutation({ length: 0 }), 'length must be a whole number from 1 on'],
  ])('%#', (make, sentence) => {
    expect(make).toThrow(sentence)
  })
})
