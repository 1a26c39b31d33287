import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from './histogram.ts'

test('a quantile is the sorted value, or above it by less than a sixteenth and one', () => {
  const times = fc.array(fc.integer({ min: 0, max: 4_000_000_000 }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
      const histogram = new Histogram()
      for (const value of values) histogram.record(value)
      const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!
      const found = histogram.quantile(share)!
      expect(found).toBeGreaterThan(exact)
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 16) + 1)
    }),
  )
})

test('two histograms add up, and an empty one knows nothing', () => {
  const [a, b] = [new Histogram(), new Histogram()]
  expect(a.quantile(0.5)).toBeUndefined()
  a.record(10)
  b.record(1000)
  a.add(b)
  expect(a.total).toBe(2)
  expect(a.quantile(1)).toBeGreaterThan(1000)
})

test('what no clock shows is kept at the ends', () => {
  const histogram = new Histogram()
  for (const odd of [-5, Number.NaN, 1e300, 0.3]) histogram.record(odd)
  expect(histogram.total).toBe(4)
})
