import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hypervolume, invertedGenerationalDistance } from './index.ts'
import { coveredCells } from './testing/index.ts'

describe('hypervolume', () => {
  test.each([
    [1, 9],
    [2, 8],
    [3, 6],
    [4, 4],
    [5, 3],
  ])('in %i objectives counts the cells that points cover', (width, most) => {
    const row = fc.array(fc.integer({ min: 0, max: most }), { minLength: width, maxLength: width })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 16 }), (rows) => {
        const points = Float64Array.from(rows.flat())
        const volume = hypervolume(points, Array<number>(width).fill(most))
        expect(volume).toBeCloseTo(coveredCells(points, width, most), 9)
      }),
    )
  })
  test('does not depend on the order of points, nor on an objective that is the same for all', () => {
    const rng = seededRng(8)
    const rows = Array.from({ length: 60 }, () => Array.from({ length: 4 }, () => rng.next()))
    const reference = [1.1, 1.1, 1.1, 1.1]
    const volume = hypervolume(Float64Array.from(rows.flat()), reference)
    expect(hypervolume(Float64Array.from(rows.toReversed().flat()), reference)).toBeCloseTo(volume, 12)
    const wider = rows.flatMap((row) => [...row, 0.5])
    expect(hypervolume(Float64Array.from(wider), [...reference, 1.5])).toBeCloseTo(volume, 12)
  })
  test('is that of the whole front of ZDT1 in the limit', () => {
    const count = 20_000
    const points = Float64Array.from({ length: 2 * count }, (_, i) => {
      const x = Math.floor(i / 2) / (count - 1)
      return i % 2 === 0 ? x : 1 - Math.sqrt(x)
    })
    // 1.1² less the third below the front's curve.
    expect(hypervolume(points, [1.1, 1.1])).toBeCloseTo(1.21 - 1 / 3, 3)
  })
  test('counts nothing that is not better than the reference everywhere', () => {
    expect(hypervolume(Float64Array.of(0, 1, 2, 0, Infinity, 0), [1, 1])).toBe(0)
    expect(hypervolume(new Float64Array(0), [1, 1])).toBe(0)
  })
  test('refuses NaN and endless gains', () => {
    expect(() => hypervolume(Float64Array.of(0, Number.NaN), [1, 1])).toThrow('not a number')
    expect(() => hypervolume(Float64Array.of(0, -Infinity), [1, 1])).toThrow('not finite')
  })
})

describe('inverted generational distance', () => {
  test('is the mean distance from the true front to the nearest point found', () => {
    const truth = Float64Array.of(0, 1, 1, 0)
    expect(invertedGenerationalDistance(truth, 2, truth)).toBe(0)
    expect(invertedGenerationalDistance(Float64Array.of(0, 1), 2, truth)).toBeCloseTo(Math.SQRT2 / 2, 12)
    expect(invertedGenerationalDistance(new Float64Array(0), 2, truth)).toBe(Infinity)
  })
  test('refuses to measure against nothing', () => {
    expect(() => invertedGenerationalDistance(Float64Array.of(0, 1), 2, new Float64Array(0))).toThrow(
      'at least one point',
    )
  })
})
