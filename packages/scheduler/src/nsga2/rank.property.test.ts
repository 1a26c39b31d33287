import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DivideAndConquer } from './divide.ts'
import { FrontSorter, rank } from './rank.ts'
import { Staircases } from './staircases.ts'
import { rankByDefinition } from './testing/index.ts'

const WIDTHS = [1, 2, 3, 4, 5, 6]

/** Flat rows of `width`: a few to a few hundred points of one sort of number. */
function pointsOf(width: number, number: fc.Arbitrary<number>, maxLength = 60): fc.Arbitrary<Float64Array> {
  return fc
    .array(fc.array(number, { minLength: width, maxLength: width }), { maxLength })
    .map((rows) => Float64Array.from(rows.flat()))
}

const anyNumber = fc.double({ noNaN: true })
const fewNumbers = fc.integer({ min: 0, max: 3 })

/** Points too many for pairwise comparison, with `levels` values in each objective. */
function manyPoints(count: number, width: number, levels: number, seed: number): Float64Array {
  const rng = seededRng(seed)
  return Float64Array.from({ length: count * width }, () => Math.floor(rng.next() * levels) / levels - 0.5)
}

describe.each(WIDTHS)('ranks in %i objectives are those of the definition', (width) => {
  test('for any numbers, infinities and both zeros among them', () => {
    fc.assert(
      fc.property(pointsOf(width, anyNumber), (points) => {
        expect(rank(points, width)).toEqual(rankByDefinition(points, width))
      }),
    )
  })
  test('for points with many ties and repeats', () => {
    fc.assert(
      fc.property(pointsOf(width, fewNumbers), (points) => {
        expect(rank(points, width)).toEqual(rankByDefinition(points, width))
      }),
    )
  })
  test('where objectives are constant, equal or opposed', () => {
    const degenerate = fc
      .tuple(fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 80 }), fc.array(fc.constantFrom(-1, 0, 1)))
      .map(([values, signs]) =>
        Float64Array.from(values.flatMap((value) => Array.from({ length: width }, (_, k) => value * (signs[k] ?? 1)))),
      )
    fc.assert(
      fc.property(degenerate, (points) => {
        expect(rank(points, width)).toEqual(rankByDefinition(points, width))
      }),
    )
  })
  test('under constraints', () => {
    fc.assert(
      fc.property(pointsOf(width, fewNumbers), fc.infiniteStream(fc.integer({ min: -1, max: 2 })), (points, stream) => {
        const violations = Float64Array.from(stream.take(points.length / width))
        expect(rank(points, width, violations)).toEqual(rankByDefinition(points, width, violations))
      }),
    )
  })
  test.each([2, 7, 50, 1e9])('for hundreds of points with %d levels', (levels) => {
    const points = manyPoints(700, width, levels, width)
    expect(rank(points, width)).toEqual(rankByDefinition(points, width))
  })
})

describe('divide and conquer', () => {
  test.each([3, 4, 5, 6])('ranks distinct points in %i objectives by itself', (width) => {
    for (const levels of [3, 12, 1e9]) {
      const rows = distinctRows(manyPoints(900, width, levels, levels), width)
      const points = Float64Array.from(rows.flat())
      const ranks = new Uint32Array(rows.length)
      new DivideAndConquer().rank(points, width, rows.length, ranks)
      expect(ranks).toEqual(rankByDefinition(points, width))
    }
  })
  test('takes over where staircases of three objectives grow long', () => {
    const rng = seededRng(5)
    const rows = Array.from({ length: 6000 }, (_, i) => {
      const second = rng.next()
      return [i, second, 1 - second]
    })
    const points = Float64Array.from(rows.flat())
    expect(new Staircases().rank(points, rows.length, new Uint32Array(rows.length))).toBe(false)
    expect(rank(points, 3)).toEqual(new Uint32Array(rows.length))
  })
})

describe('a sorter that is used again', () => {
  test('answers as a new one does, for more and for fewer points', () => {
    const sorter = new FrontSorter(3)
    for (const count of [10, 900, 40, 300]) {
      const points = manyPoints(count, 3, 9, count)
      const ranks = new Uint32Array(count)
      const fronts = sorter.sort(points, count, ranks)
      expect(ranks).toEqual(rankByDefinition(points, 3))
      expect(fronts).toBe(Math.max(...ranks) + 1)
    }
  })
  test('knows which feasible points repeat an earlier one', () => {
    const sorter = new FrontSorter(2)
    const points = Float64Array.of(1, 2, 0, 3, 1, 2, 0, 3, 1, 2)
    sorter.sort(points, 5, new Uint32Array(5))
    expect([...sorter.repeats]).toEqual([0, 0, 1, 1, 1])
    sorter.sort(points, 5, new Uint32Array(5), Float64Array.of(1, 0, 0, 0, 0))
    expect([...sorter.repeats]).toEqual([0, 0, 0, 1, 1])
  })
})

describe('what cannot be ranked is refused', () => {
  test('NaN, with the point it belongs to', () => {
    expect(() => rank(Float64Array.of(1, 2, 3, Number.NaN), 2)).toThrow('An objective of point 1 is not a number')
    expect(() => rank(Float64Array.of(1, 2), 1, Float64Array.of(0, Number.NaN))).toThrow('violation of point 1')
  })
  test('an array that is no whole number of points', () => {
    expect(() => rank(new Float64Array(5), 2)).toThrow('a multiple of 2 long, not 5')
    expect(() => rank(new Float64Array(5), 0)).toThrow('a whole number from 1 on')
    expect(() => rank(new Float64Array(4), 2, new Float64Array(1))).toThrow('violations must be 2 long, not 1')
  })
  test('nothing, which has no ranks', () => {
    expect(rank(new Float64Array(0), 3)).toEqual(new Uint32Array(0))
  })
})

function distinctRows(points: Float64Array, width: number): number[][] {
  const rows = Array.from({ length: points.length / width }, (_, i) => [...points.subarray(i * width, (i + 1) * width)])
  const distinct = new Map(rows.map((row) => [row.join(), row])).values()
  return [...distinct].sort((a, b) => {
    const k = a.findIndex((value, at) => value !== b[at])
    return k === -1 ? 0 : a[k]! - b[k]!
  })
}
