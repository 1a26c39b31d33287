import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DelayWheel } from './delay-wheel.ts'

test('nothing leaves before its time, and everything at the first look after it', () => {
  const delays = fc.array(fc.record({ at: fc.nat(3000), delay: fc.double({ min: 0, max: 900, noNaN: true }) }), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(delays, fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 50 }), (puts, steps) => {
      const wheel = new DelayWheel({ ticks: 256, slots: 200, now: 0 })
      const waiting = puts.map((put, slot) => ({ ...put, slot })).sort((a, b) => a.at - b.at)
      const due = new Map<number, number>()
      let now = 0
      for (const step of [...steps, 5000]) {
        for (; waiting[0] && waiting[0].at <= now; waiting.shift()) {
          const { slot, delay } = waiting[0]
          wheel.put(slot, now + delay)
          due.set(slot, Math.max(now + 1, Math.ceil(now + delay)))
        }
        now += step
        const released: number[] = []
        wheel.advance(now, (slot) => released.push(slot))
        const expected = [...due].filter(([, at]) => at <= now).map(([slot]) => slot)
        expect(released.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
        for (const slot of released) due.delete(slot)
        expect(wheel.held).toBe(due.size)
      }
    }),
  )
})

test('slots leave in the order of their ticks', () => {
  const wheel = new DelayWheel({ ticks: 16, slots: 4, now: 100.7 })
  wheel.put(0, 103)
  wheel.put(1, 101)
  wheel.put(2, 103.5)
  wheel.put(3, 150)
  const released: number[] = []
  wheel.advance(110, (slot) => released.push(slot))
  expect(released).toEqual([1, 0, 2])
  wheel.advance(149.9, (slot) => released.push(slot))
  expect(released).toHaveLength(3)
  wheel.advance(151, (slot) => released.push(slot))
  expect(released).toEqual([1, 0, 2, 3])
})

test('a pause longer than the wheel loses nothing', () => {
  const wheel = new DelayWheel({ ticks: 8, slots: 20, now: 0 })
  for (let slot = 0; slot < 20; slot++) wheel.put(slot, slot * 3)
  const released: number[] = []
  wheel.advance(1_000_000, (slot) => released.push(slot))
  expect(released).toHaveLength(20)
})
