import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { scaleOf } from './scale.ts'

test('every value has a place between the ends, in order, and the marks are few and among them', () => {
  const values = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(values, (some) => {
      const { place, marks } = scaleOf(some, 0, 100)
      const places = some.toSorted((a, b) => a - b).map(place)
      expect(places.every((at) => at >= -1e-6 && at <= 100 + 1e-6)).toBe(true)
      expect(places).toEqual(places.toSorted((a, b) => a - b))
      expect(marks.length).toBeLessThanOrEqual(9)
      expect(marks.every((mark) => place(mark) >= -1e-6 && place(mark) <= 100 + 1e-6)).toBe(true)
    }),
  )
})

test('marks are round', () => {
  expect(scaleOf([0, 10], 0, 1).marks).toEqual([0, 5, 10])
  expect(scaleOf([7], 0, 1).place(7)).toBeCloseTo(0.5)
})
