import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FileBytes } from './file-bytes.ts'

const at = fc.integer({ min: 0, max: 200_000 })
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 })
const step = fc.oneof(
  fc.record({ do: fc.constant('write' as const), at, bytes }),
  fc.record({ do: fc.constant('resize' as const), at }),
  fc.record({ do: fc.constant('long' as const), at, bytes, times: fc.integer({ min: 100, max: 500 }) }),
)

/** The plainest file: one array, copied at each change. */
function model(file: Uint8Array, size: number, where = 0, written: Uint8Array = new Uint8Array()): Uint8Array {
  const next = new Uint8Array(size)
  next.set(file.subarray(0, size))
  next.set(written, where)
  return next
}

test('a file holds what a plain array would, and never changes the bytes it was given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.array(step, { maxLength: 20 }), at, (given, steps, from) => {
      const before = given.slice()
      const file = new FileBytes(given)
      let plain: Uint8Array = given.slice()
      for (const change of steps) {
        if (change.do === 'resize') {
          file.resize(change.at)
          plain = model(plain, change.at).slice()
          continue
        }
        const part = change.do === 'write' ? change.bytes : repeated(change.bytes, change.times)
        file.write(change.at, part)
        plain = model(plain, Math.max(plain.length, change.at + part.length), change.at, part).slice()
      }
      expect(file.size).toBe(plain.length)
      expect(Buffer.compare(file.toBytes(), plain)).toBe(0)
      const window = new Uint8Array(100_000).fill(0xee)
      const read = file.read(from, window)
      expect(Buffer.compare(window.subarray(0, read), plain.subarray(from, from + 100_000))).toBe(0)
      expect(window.subarray(read).every((byte) => byte === 0xee)).toBe(true)
      expect(Buffer.compare(given, before)).toBe(0)
    }),
    { numRuns: 80 },
  )
})

test('a file far larger than what is written in it takes no room for its holes', () => {
  const file = new FileBytes()
  file.write(2 ** 40, Uint8Array.of(7))
  const read = new Uint8Array(2)
  expect(file.read(2 ** 40 - 1, read)).toBe(2)
  expect([...read]).toEqual([0, 7])
})

function repeated(part: Uint8Array, times: number): Uint8Array {
  const whole = new Uint8Array(part.length * times)
  for (let i = 0; i < times; i++) whole.set(part, i * part.length)
  return whole
}
