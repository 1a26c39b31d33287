import { expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '../bytes.ts'
import { blake2b, blake2bInto } from './blake2b.ts'
import * as curve from './curve.ts'

/** y = 1, y = -1, and one of order eight (RFC 8032 encodings). */
const SMALL = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]

test('the base point is decoded, and encoded again to the same bytes', () => {
  const base = `58${'66'.repeat(31)}`
  const point = curve.decodePoint(fromHex(base)!)!
  expect(point.equals(curve.BASE_POINT)).toBe(true)
  expect(toHex(curve.encodePoint(point))).toBe(base)
})

test.each([
  ['y = p', `ed${'ff'.repeat(30)}7f`],
  ['y = p + 1', `ee${'ff'.repeat(30)}7f`],
  ['y = 2^255 - 1', `${'ff'.repeat(31)}7f`],
  ['y = 1 with the sign of x set', `01${'00'.repeat(30)}80`],
  ['y = -1 with the sign of x set', `ec${'ff'.repeat(31)}`],
  ['no point has this y', `02${'00'.repeat(31)}`],
  ['31 bytes', '01'.repeat(31)],
  ['33 bytes', '01'.repeat(33)],
  ['nothing', ''],
])('an encoding that is not one is refused: %s', (_, hex) => {
  expect(curve.decodePoint(fromHex(hex)!)).toBeUndefined()
})

test('points of small order are recognised, others are not', () => {
  for (const hex of SMALL) expect(curve.isSmallOrder(curve.decodePoint(fromHex(hex)!)!)).toBe(true)
  expect(curve.isSmallOrder(curve.BASE_POINT)).toBe(false)
  expect(curve.isIdentity(curve.decodePoint(fromHex(SMALL[0]!)!)!)).toBe(true)
})

test('multiples of points with a part of small order are right', () => {
  const mixed = curve.BASE_POINT.add(curve.decodePoint(fromHex(SMALL[2]!)!)!)
  for (const scalar of [0n, 1n, 2n, 7n, 8n, 0x1234567890abcdefn, 1n << 127n, curve.CURVE_ORDER - 1n]) {
    expect(curve.subtractMultiples(mixed, scalar, mixed, 0n).equals(slowly(mixed, scalar))).toBe(true)
  }
})

test('BLAKE2b gives the digest of RFC 7693, and the hot form the same as the other', () => {
  expect(toHex(blake2b(64, undefined, utf8('a'), utf8('bc')))).toBe(
    'ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923',
  )
  const [digest, key] = [Buffer.alloc(32), Buffer.alloc(32, 7)]
  blake2bInto(digest, Buffer.from('abc'), key)
  expect(toHex(digest)).toBe(toHex(blake2b(32, key, utf8('abc'))))
})

function slowly(point: curve.CurvePoint, scalar: bigint): curve.CurvePoint {
  let sum = point.subtract(point)
  for (const bit of scalar.toString(2)) sum = bit === '1' ? sum.double().add(point) : sum.double()
  return sum
}
