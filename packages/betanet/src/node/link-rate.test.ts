import { seededRng } from '@fog/kernel'
import { assert, integer, property } from 'fast-check'
import { expect, test, vi } from 'vitest'
import { ClientRates, LinkRate } from './link-rate.ts'

/** Reads frames of `size` packets as soon as it may until `untilMs`; answers how many packets. */
function flood(rate: LinkRate, size: number, untilMs: number): number {
  let [now, packets] = [0, 0]
  while (now < untilMs) {
    rate.took(size, now)
    packets += size
    now = Math.max(now, rate.readableAt)
  }
  return packets
}

test('who keeps to the rate never waits', () => {
  const rate = new LinkRate({ packetsPerSecond: 50, burst: 10 })
  const rng = seededRng(1)
  for (let now = 0, i = 0; i < 1_000; i++) {
    now += 20 + rng.next()
    expect(rate.readableAt).toBeLessThanOrEqual(now)
    rate.took(1, now)
  }
})

test('who floods gets its burst and then its rate, whatever the size of its frames', () => {
  assert(
    property(
      integer({ min: 1, max: 24 }),
      integer({ min: 1, max: 5_000 }),
      integer({ min: 0, max: 500 }),
      (size, packetsPerSecond, burst) => {
        const packets = flood(new LinkRate({ packetsPerSecond, burst }), size, 10_000)
        expect(packets).toBeGreaterThanOrEqual(10 * packetsPerSecond)
        expect(packets).toBeLessThanOrEqual(10 * packetsPerSecond + burst + 2 * size)
      },
    ),
  )
})

test('after a pause no more than the burst may come at once', () => {
  const rate = new LinkRate({ packetsPerSecond: 100, burst: 30 })
  rate.took(1, 0)
  let taken = 0
  while (rate.readableAt <= 3_600_000) {
    rate.took(1, 3_600_000)
    taken += 1
  }
  expect(taken).toBe(31)
})

test('a client that sent more than it may is held until its time has come, and comes back once', () => {
  vi.useFakeTimers()
  let now = 0
  const ready: string[] = []
  const rates = new ClientRates<string>(
    { now: () => now, readable: (link) => ready.push(link) },
    { packetsPerSecond: 100, burst: 5 },
  )
  const pass = (ms: number) => {
    now += ms
    vi.advanceTimersByTime(ms)
  }
  for (const link of ['quick', 'slow', 'gone']) rates.add(link)
  expect([rates.isClient('quick'), rates.isClient('node')]).toEqual([true, false])
  rates.took('quick', 10)
  rates.took('slow', 1)
  rates.took('gone', 20)
  rates.took('node', 1_000)
  expect(['quick', 'slow', 'gone', 'node'].map((link) => rates.holds(link))).toEqual([true, false, true, false])
  expect(rates.isHeld('quick')).toBe(true)
  rates.remove('gone')
  pass(49)
  expect(ready).toEqual([])
  pass(1)
  pass(1_000)
  expect(ready).toEqual(['quick'])
  expect(rates.holds('quick')).toBe(false)
  // What is no packet counts as one.
  for (let i = 0; i < 7; i++) rates.took('slow', 0)
  expect(rates.holds('slow')).toBe(true)
  rates.stop()
  pass(1_000)
  expect(ready).toEqual(['quick'])
  vi.useRealTimers()
})
