import { ManualClock } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentDisposition } from './content-disposition.ts'
import { isForeign } from './origin.ts'
import { addressKey, RateLimiter } from './rate-limit.ts'

function takes(limiter: RateLimiter, key: string, perMinute: number): boolean {
  try {
    limiter.take(key, perMinute)
    return true
  } catch {
    return false
  }
}

test('in any minute no more than twice the limit gets through, and in the long run no more than the limit', () => {
  const steps = fc.array(fc.nat(3_000), { minLength: 50, maxLength: 400 })
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 60 }), (waits, perMinute) => {
      const clock = new ManualClock(0)
      const limiter = new RateLimiter({ clock })
      const taken: number[] = []
      for (const wait of waits) {
        clock.advance(wait)
        if (takes(limiter, 'k', perMinute)) taken.push(clock.now())
      }
      for (const at of taken) {
        expect(taken.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(2 * perMinute)
      }
      expect(taken.length).toBeLessThanOrEqual(perMinute + Math.ceil((clock.now() / 60_000) * perMinute))
    }),
    { numRuns: 50 },
  )
})

test('a key that rested has its whole minute again, and keys do not share', () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock })
  for (let i = 0; i < 5; i += 1) expect(takes(limiter, 'a', 5)).toBe(true)
  expect(takes(limiter, 'a', 5)).toBe(false)
  expect(takes(limiter, 'b', 5)).toBe(true)
  clock.advance(60_000)
  for (let i = 0; i < 5; i += 1) expect(takes(limiter, 'a', 5)).toBe(true)
})

test('a flood of keys takes no more memory than allowed', () => {
  const clock = new ManualClock()
  const limiter = new RateLimiter({ clock }, { maxKeys: 3 })
  for (let i = 0; i < 100; i += 1) expect(takes(limiter, `key ${i}`, 1)).toBe(true)
  expect(takes(limiter, 'key 99', 1)).toBe(false)
  expect(takes(limiter, 'key 0', 1)).toBe(true)
})

test.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
])('%s is counted as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

test.each([
  [undefined, 'fog.test', undefined, false],
  ['http://fog.test', 'fog.test', undefined, false],
  ['https://fog.test', 'fog.test', undefined, false],
  ['http://fog.test:81', 'fog.test', undefined, true],
  ['http://evil.test', 'fog.test', undefined, true],
  ['null', 'fog.test', undefined, true],
  ['https://fog.example', '10.0.0.1:7070', 'https://fog.example/', false],
  ['http://fog.example', '10.0.0.1:7070', 'https://fog.example/', true],
])('a request from %s to %s (public: %s) is foreign: %s', (origin, host, publicUrl, foreign) => {
  expect(isForeign({ origin, host }, publicUrl)).toBe(foreign)
})

test('no file name breaks out of its header or its folder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
      const header = contentDisposition(name)
      expect(header).toMatch(/^attachment(; filename="[\x20-\x7e]*"; filename\*=UTF-8''[\w%.!~$&+#^`{}|-]*)?$/)
      const plain = /filename="([^"]*)"/.exec(header)?.[1] ?? 'x'
      expect(plain).not.toMatch(/[/\\]|^\./)
    }),
  )
})
