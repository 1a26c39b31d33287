import { seededRng } from '@fog/kernel'
import { expect, test } from 'vitest'
import { DEFAULT_PARAMETERS } from '../directory/index.ts'
import { AnswerTimes } from './answer-times.ts'
import { erlangQuantile, erlangTail, pathDelay } from './path-delay.ts'
import { exponential, PoissonTimes } from './poisson.ts'

test('one stage is the exponential distribution itself', () => {
  for (const time of [0, 0.1, 1, 5]) expect(erlangTail(1, time)).toBeCloseTo(Math.exp(-time), 12)
  expect(erlangQuantile(1, 0.001)).toBeCloseTo(Math.log(1_000), 9)
})

test('quantiles of eight stages are those of the tables: half of chi-squared with sixteen degrees of freedom', () => {
  // Abramowitz and Stegun, table 26.8: chi-squared, 16 degrees: 39.25 at 0.001, 32.00 at 0.01, 26.30 at 0.05.
  for (const [tail, chi] of [
    [0.001, 39.25],
    [0.01, 32.0],
    [0.05, 26.3],
  ] as const) {
    expect(erlangQuantile(8, tail)).toBeCloseTo(chi / 2, 2)
  }
})

test('a thousandth of drawn delays is later than the quantile', () => {
  const rng = seededRng(5)
  const limit = erlangQuantile(4, 0.001)
  const draws = 200_000
  let late = 0
  for (let i = 0; i < draws; i++) {
    let sum = 0
    for (let hop = 0; hop < 4; hop++) sum += exponential(rng, 1)
    late += sum > limit ? 1 : 0
  }
  expect(Math.abs(late - draws / 1_000)).toBeLessThan(5 * Math.sqrt(draws / 1_000))
})

test('a path’s times follow from the network’s mean for the class', () => {
  const fast = pathDelay(DEFAULT_PARAMETERS, 0)
  const slow = pathDelay(DEFAULT_PARAMETERS, 1)
  expect(fast.meanMs).toBe(20)
  expect(fast.oneWayMs).toBeGreaterThan(fast.meanMs)
  expect(fast.roundTripMs).toBeLessThan(2 * fast.oneWayMs)
  expect(slow.roundTripMs).toBeCloseTo(10 * fast.roundTripMs, 6)
})

test('Poisson times have their mean, and what a long sleep missed is not made up for', () => {
  const times = new PoissonTimes({ rng: seededRng(2), now: 0 }, 10)
  let count = 0
  for (let now = 0; now <= 10_000; now += 1) while (times.isDue(now)) count += 1
  expect(Math.abs(count - 1_000)).toBeLessThan(5 * Math.sqrt(1_000))
  let after = 0
  while (times.isDue(1_000_000)) after += 1
  expect(after).toBe(1)
  expect(times.nextAt).toBeGreaterThan(1_000_000)
})

test('a timeout follows what answers really take, up at once and down by and by', () => {
  const times = new AnswerTimes()
  expect(times.leastTimeoutMs).toBe(0)
  times.note(100)
  expect(times.leastTimeoutMs).toBe(300)
  for (let i = 0; i < 50; i++) times.note(100)
  expect(times.leastTimeoutMs).toBeCloseTo(100, 0)
  times.note(3_000)
  expect(times.leastTimeoutMs).toBeGreaterThan(3_000)
  for (let i = 0; i < 50; i++) times.note(100)
  expect(times.leastTimeoutMs).toBeLessThan(150)
})
