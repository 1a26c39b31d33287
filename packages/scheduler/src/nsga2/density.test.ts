import { seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crowding, prune } from './index.ts'

describe('crowding distance', () => {
  test('sums the gaps between neighbours as shares of the range, and holds on to both ends', () => {
    const points = Float64Array.of(0, 10, 1, 6, 4, 4, 10, 0)
    expect([...crowding(points, 2)]).toEqual([Infinity, expect.closeTo(0.4 + 0.6), expect.closeTo(0.9 + 0.6), Infinity])
  })
  test('is of the members asked for, in their order', () => {
    const points = Float64Array.of(0, 10, 5, 5, 10, 0, 4, 6)
    expect([...crowding(points, 2, Uint32Array.of(2, 1, 0))]).toEqual([Infinity, 2, Infinity])
  })
  test('leaves out an objective in which all are equal, and is never NaN', () => {
    expect([...crowding(Float64Array.of(1, 7, 2, 7, 4, 7), 2)]).toEqual([Infinity, 1, Infinity])
    const points = fc.array(fc.constantFrom(-Infinity, 0, 1, Infinity), { maxLength: 60 })
    fc.assert(
      fc.property(points, (values) => {
        const whole = Float64Array.from(values.slice(0, values.length - (values.length % 3)))
        expect(crowding(whole, 3).some(Number.isNaN)).toBe(false)
        expect(prune(whole, 3, 4)).toHaveLength(Math.min(4, whole.length / 3))
      }),
    )
  })
  test('refuses NaN', () => {
    expect(() => crowding(Float64Array.of(1, Number.NaN), 2)).toThrow('not a number')
  })
})

describe('pruning', () => {
  test('takes the most crowded one at a time, so of a group one stays', () => {
    // Cut at once by distances measured once, all three of the group in the middle would go.
    const xs = [0, 4.9, 5, 5.1, 8, 10]
    const points = Float64Array.from(xs.flatMap((x) => [x, 10 - x]))
    const kept = [...prune(points, 2, 4)].map((i) => xs[i])
    expect(kept).toHaveLength(4)
    expect(kept.filter((x) => x! > 4 && x! < 6)).toHaveLength(1)
  })
  test.each([1, 2, 3, 5])(
    'keeps as many as asked for, each of them once, in their order, in %i objectives',
    (width) => {
      const points = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: width, maxLength: width }))
      fc.assert(
        fc.property(points, fc.nat(20), (rows, keep) => {
          const kept = [...prune(Float64Array.from(rows.flat()), width, keep)]
          expect(kept).toHaveLength(Math.min(keep, rows.length))
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b))
        }),
      )
    },
  )
  test.each([2, 3])('spreads what is kept wider than chance does, in %i objectives', (width) => {
    const rng = seededRng(3)
    const rows = Array.from({ length: 300 }, () => {
      const row = Array.from({ length: width }, () => rng.next() ** 3)
      const length = Math.hypot(...row)
      return row.map((value) => value / length)
    })
    const kept = [...prune(Float64Array.from(rows.flat()), width, 30)].map((i) => rows[i]!)
    expect(leastGap(kept)).toBeGreaterThan(4 * leastGap(rows.slice(0, 30)))
  })
  test('keeps who is best in an objective', () => {
    const rng = seededRng(4)
    const points = Float64Array.from({ length: 300 }, () => rng.next())
    const kept = [...prune(points, 3, 10)]
    const best = [0, 1, 2].map((k) => Math.min(...points.filter((_, at) => at % 3 === k)))
    expect(best.map((value, k) => kept.some((i) => points[3 * i + k] === value))).toEqual([true, true, true])
  })
  test('drops repeats before anything else', () => {
    const points = Float64Array.of(0, 3, 0, 1, 2, 1, 1, 2, 1, 1, 2, 1, 2, 1, 0, 3, 0, 2)
    expect([...prune(points, 3, 4)].filter((i) => i >= 1 && i <= 3)).toHaveLength(1)
  })
})

function leastGap(rows: readonly (readonly number[])[]): number {
  return Math.min(
    ...rows.flatMap((a, i) => rows.slice(0, i).map((b) => Math.hypot(...a.map((value, k) => value - b[k]!)))),
  )
}
