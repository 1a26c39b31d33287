import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foresee, foreseenEnd, quantileOf, remember, REMEMBERED_RUNS } from './foresee.ts'

const MINUTE = 60_000

describe('a run is foreseen', () => {
  test('by no history, and by none of one run, not at all', () => {
    expect(foresee([], 1_000)).toBeUndefined()
    expect(foresee([undefined, [5]], 1_000)).toBeUndefined()
  })

  test('by the first history that knows enough, on the long side', () => {
    expect(foresee([[5], [10, 20, 30, 40, 50, 60, 70, 80, 90, 100], [1, 1]], 1_000)).toBe(70)
  })

  test('never beyond its limit', () => {
    expect(foresee([[500, 600]], 100)).toBe(100)
  })
})

test('a history keeps the latest runs only', () => {
  const history = Array.from({ length: 20 }, (_, i) => i).reduce<readonly number[]>(remember, [])
  expect(history).toEqual([12, 13, 14, 15, 16, 17, 18, 19])
  expect(history).toHaveLength(REMEMBERED_RUNS)
})

test('a quantile is one of the figures, and of none there is none', () => {
  expect(quantileOf([3, 1, 2], 0.5)).toBe(2)
  expect(quantileOf([3, 1, 2], 1)).toBe(3)
  expect(quantileOf([], 0.5)).toBeNaN()
})

describe('a run that goes on', () => {
  const run = { startedAt: 0, foreseen: 10 * MINUTE, limit: 60 * MINUTE }

  test('ends as foreseen while it may, and is put off in ever larger steps when it does not', () => {
    expect(foreseenEnd(run, 9 * MINUTE, MINUTE)).toBe(10 * MINUTE)
    expect(foreseenEnd(run, 10 * MINUTE, MINUTE)).toBe(11 * MINUTE)
    expect(foreseenEnd(run, 12 * MINUTE, MINUTE)).toBe(15 * MINUTE)
    expect(foreseenEnd(run, 30 * MINUTE, MINUTE)).toBe(40 * MINUTE)
  })

  test('ends after now and, while that is ahead, by its limit', () => {
    fc.assert(
      fc.property(fc.nat(1e7), fc.nat(1e7), fc.nat(1e8), (foreseen, more, now) => {
        const limit = foreseen + more
        const end = foreseenEnd({ startedAt: 0, foreseen, limit }, now, MINUTE)
        expect(end).toBeGreaterThan(now)
        expect(end).toBeLessThanOrEqual(Math.max(limit, now + MINUTE))
      }),
    )
  })
})
