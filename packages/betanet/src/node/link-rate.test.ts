import { seededRng } from '@fog/kernel'
import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { HeldLinks, LinkRate } from './link-rate.ts'

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

test('held links come back when their time has come, each once', () => {
  const held = new HeldLinks<string>()
  expect(held.nextAt).toBe(Infinity)
  held.hold('a', 20)
  held.hold('b', 10)
  held.hold('c', 30)
  held.forget('c')
  expect([held.size, held.nextAt, held.has('a'), held.has('c')]).toEqual([2, 10, true, false])
  const ready: string[] = []
  held.release(15, (link) => ready.push(link))
  held.release(15, (link) => ready.push(link))
  expect(ready).toEqual(['b'])
  held.release(20, (link) => ready.push(link))
  expect(ready).toEqual(['b', 'a'])
  expect(held.size).toBe(0)
})
