import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IntervalWindow, phi } from './phi.ts'

describe('phi', () => {
  const rhythms = fc.record({
    meanMs: fc.integer({ min: 100, max: 60_000 }),
    deviationMs: fc.integer({ min: 1, max: 60_000 }),
  })
  const silences = fc.integer({ min: 0, max: 10_000_000 })

  test('grows with silence and never falls', () => {
    fc.assert(
      fc.property(rhythms, silences, silences, (rhythm, a, b) => {
        expect(phi(Math.min(a, b), rhythm)).toBeLessThanOrEqual(phi(Math.max(a, b), rhythm))
      }),
    )
  })

  test('is a finite number, zero or more, whatever the silence', () => {
    fc.assert(
      fc.property(rhythms, silences, (rhythm, silence) => {
        const surprise = phi(silence, rhythm)
        expect(Number.isFinite(surprise) && surprise >= 0).toBe(true)
      }),
    )
  })

  // -log10 of the upper tail of the standard normal distribution, as in any table of it.
  test.each([
    [0, 0.30103],
    [1, 0.79955],
    [2, 1.64302],
    [3, 2.8697],
  ])('is that of the normal tail, within 0.05, %d deviations after the mean', (y, exact) => {
    expect(Math.abs(phi(1_000 + y * 100, { meanMs: 1_000, deviationMs: 100 }) - exact)).toBeLessThan(0.05)
  })

  test('reads high far out in the tail, never low', () => {
    const exact = 7.119 // 5.25 deviations after the mean: 7.6e-8
    expect(phi(1_525, { meanMs: 1_000, deviationMs: 100 })).toBeGreaterThan(exact)
    expect(phi(1_525, { meanMs: 1_000, deviationMs: 100 })).toBeLessThan(exact + 1)
  })
})

describe('a window', () => {
  test('has the mean and deviation of the last intervals only', () => {
    const intervals = fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(intervals, fc.integer({ min: 1, max: 10 }), (intervals, size) => {
        const window = new IntervalWindow(size)
        for (const interval of intervals) window.add(interval)
        const last = intervals.slice(-size)
        const mean = last.reduce((sum, interval) => sum + interval, 0) / last.length
        const variance = last.reduce((sum, interval) => sum + (interval - mean) ** 2, 0) / last.length
        expect(window.meanMs).toBe(mean)
        expect(window.deviationMs ** 2 / (variance || 1)).toBeCloseTo(variance ? 1 : 0, 3)
      }),
    )
  })

  test('is at rest while empty, and takes no nonsense', () => {
    const window = new IntervalWindow(3)
    expect([window.meanMs, window.deviationMs]).toEqual([0, 0])
    window.add(-5)
    window.add(1e12)
    expect(window.meanMs).toBe(1_800_000)
    expect(() => new IntervalWindow(0)).toThrow('at least one')
  })
})
