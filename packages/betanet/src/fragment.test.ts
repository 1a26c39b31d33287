import { concat } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bitmapBytes,
  encodeAck,
  encodeFragment,
  hasArrived,
  missingOf,
  MOST_FRAGMENTS,
  mostMessageBytes,
  parseAck,
  parseFragment,
  splitMessage,
} from './fragment.ts'
import { geometry, suites } from './sphinx/index.ts'

const messageId = Uint8Array.from({ length: 16 }, (_, i) => i + 1)

describe('a message', () => {
  test('is whole again from its fragments, of which all but the last are full', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.integer({ min: 24, max: 600 }), (message, fragmentBytes) => {
        const sent = splitMessage(messageId, message, fragmentBytes)
        const got = sent.map((bytes) => parseFragment(bytes)!)
        expect(concat(...got.map(({ data }) => data))).toEqual(message)
        expect(got.map(({ index }) => index)).toEqual([...got.keys()])
        expect(got.every(({ count, rest }) => count === sent.length && rest.length === 0)).toBe(true)
        expect(sent.slice(0, -1).every(({ length }) => length === fragmentBytes)).toBe(true)
      }),
    )
  })

  test('can be as long as an acknowledgement can name, and no longer', () => {
    const most = mostMessageBytes(100)
    expect(splitMessage(messageId, new Uint8Array(most), 100).length).toBe(MOST_FRAGMENTS)
    expect(() => splitMessage(messageId, new Uint8Array(most + 1), 100)).toThrow('acknowledgement')
    expect(() => splitMessage(messageId, new Uint8Array(1), 23)).toThrow('room')
  })
})

describe('a fragment', () => {
  test('leaves what follows it alone', () => {
    const bytes = encodeFragment({ messageId, index: 0, count: 1, data: Uint8Array.of(7, 8) })
    const got = parseFragment(concat(bytes, Uint8Array.of(9)))
    expect(got).toEqual({ messageId, index: 0, count: 1, data: Uint8Array.of(7, 8), rest: Uint8Array.of(9) })
  })

  const good = encodeFragment({ messageId, index: 2, count: 3, data: Uint8Array.of(7, 8) })
  const changed = (at: number, ...bytes: readonly number[]) => {
    const copy = good.slice()
    copy.set(bytes, at)
    return copy
  }
  test.each<[string, Uint8Array]>([
    ['of another kind', changed(0, 3)],
    ['beyond the count', changed(17, 0, 3)],
    ['of no count', changed(19, 0, 0)],
    ['of too many', changed(19, 0x10, 0x01)],
    ['longer than the payload', changed(21, 0, 3)],
    ['that is empty among many', changed(21, 0, 0)],
  ])('%s is none', (_, bytes) => {
    expect(parseFragment(bytes)).toBeUndefined()
  })

  test('cut off anywhere is none', () => {
    for (let end = 0; end < good.length; end++) expect(parseFragment(good.subarray(0, end))).toBeUndefined()
  })

  test('parses to what encodes to the same bytes, or not at all', () => {
    const nearly = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => changed(at, byte))
    fc.assert(
      fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        const got = parseFragment(bytes)
        expect(got === undefined || equal(concat(encodeFragment(got), got.rest), bytes)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an acknowledgement', () => {
  const acks = fc
    .integer({ min: 1, max: 300 })
    .chain((count) =>
      fc.record({ count: fc.constant(count), arrived: fc.uniqueArray(fc.nat(count - 1), { maxLength: count }) }),
    )

  test('names what arrived and what did not', () => {
    fc.assert(
      fc.property(acks, ({ count, arrived }) => {
        const bitmap = new Uint8Array(bitmapBytes(count))
        for (const index of arrived) bitmap[index >> 3]! |= 1 << (index & 7)
        const got = parseAck(concat(encodeAck({ messageId, count, bitmap }), new Uint8Array(5)))!
        expect(got).toEqual({ messageId, count, bitmap })
        expect(new Set([...missingOf(got), ...arrived]).size).toBe(count)
        expect(arrived.every((index) => hasArrived(got, index))).toBe(true)
        expect(missingOf(got).length).toBe(count - arrived.length)
      }),
    )
  })

  test('of the longest message fits into the smallest packet', () => {
    const bitmap = new Uint8Array(bitmapBytes(MOST_FRAGMENTS))
    const { length } = encodeAck({ messageId, count: MOST_FRAGMENTS, bitmap })
    expect(length).toBeLessThanOrEqual(geometry(suites.betanetKemX25519Small).payloadBytes)
  })

  test('cut off, of no fragment, of too many or of bits beyond the last is none', () => {
    const good = encodeAck({ messageId, count: 9, bitmap: Uint8Array.of(0xff, 0x01) })
    for (let end = 0; end < good.length; end++) expect(parseAck(good.subarray(0, end))).toBeUndefined()
    const withBytes = (at: number, ...bytes: readonly number[]) => {
      const copy = new Uint8Array(2000)
      copy.set(good)
      copy.set(bytes, at)
      return copy
    }
    expect(parseAck(withBytes(0, 1))).toBeUndefined()
    expect(parseAck(withBytes(17, 0, 0))).toBeUndefined()
    expect(parseAck(withBytes(17, 0x10, 0x01))).toBeUndefined()
    expect(parseAck(withBytes(20, 0x02))).toBeUndefined()
  })
})

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
