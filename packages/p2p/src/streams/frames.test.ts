import { fromHex, toHex } from '@fog/kernel'
import { assert, boolean, constantFrom, integer, option, property, record, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFrame, parseFrame, RESET_CODES, type ResetReason, type StreamFrame } from './frames.ts'

const ID = { session: '00112233445566aa', number: 7 }
const MOST = 2 ** 48 - 1

describe('a frame of a stream', () => {
  test('is read as it was written', () => {
    const place = integer({ min: 0, max: MOST - 64 })
    const data = record({
      number: integer({ min: 1, max: 2 ** 32 - 1 }),
      openedAt: option(place, { nil: undefined }),
      offset: place,
      limit: place,
      bytes: uint8Array({ minLength: 1, maxLength: 64 }),
      isEnd: boolean(),
    })
    assert(
      property(data, (facts) => {
        const frame: StreamFrame = { kind: 'data', session: ID.session, ...facts }
        expect(parseFrame(encodeFrame(frame))).toEqual(frame)
      }),
    )
    assert(
      property(place, constantFrom(...(Object.keys(RESET_CODES) as ResetReason[])), (limit, reason) => {
        expect(parseFrame(encodeFrame({ kind: 'window', ...ID, limit }))).toEqual({ kind: 'window', ...ID, limit })
        expect(parseFrame(encodeFrame({ kind: 'reset', ...ID, reason }))).toEqual({ kind: 'reset', ...ID, reason })
      }),
    )
  })

  test('stands on the wire as the page says', () => {
    const data = {
      kind: 'data',
      ...ID,
      openedAt: 1,
      offset: 2,
      limit: 3,
      bytes: Uint8Array.of(0xff),
      isEnd: true,
    } as const
    expect(toHex(encodeFrame(data))).toBe('53010300112233445566aa00000007000000000001000000000002000000000003ff')
    expect(toHex(encodeFrame({ kind: 'window', ...ID, limit: 3 }))).toBe('53020000112233445566aa00000007000000000003')
    expect(toHex(encodeFrame({ kind: 'reset', ...ID, reason: 'stale' }))).toBe('53030000112233445566aa0000000707')
  })

  test('is none when anything about it is wrong', () => {
    const whole = encodeFrame({ kind: 'window', ...ID, limit: 3 })
    for (let length = 0; length < whole.length; length++) expect(parseFrame(whole.subarray(0, length))).toBeUndefined()
    expect(parseFrame(Uint8Array.of(...whole, 0))).toBeUndefined()
    const wrong = [
      '52020000112233445566aa00000007000000000003',
      '53040000112233445566aa00000007000000000003',
      '53020100112233445566aa00000007000000000003',
      '53020000112233445566aa00000000000000000003',
      '53030000112233445566aa0000000700',
      '53030000112233445566aa0000000708',
      // Bytes that stand beyond the last place, unknown flags, and a frame that says nothing.
      '53010000112233445566aa00000007ffffffffffff000000000000ff',
      '53010400112233445566aa00000007000000000000000000000000ff',
      '53010000112233445566aa00000007000000000000000000000000',
    ]
    for (const hex of wrong) expect(parseFrame(fromHex(hex)!)).toBeUndefined()
  })
})
