import { createHash } from 'node:crypto'
import { ed25519, ed25519_hasher } from '@noble/curves/ed25519.js'

/**
 * Points of edwards25519 (RFC 8032, section 5.1), for protocols that need the group itself. A multiplication costs about a
 * millisecond, so this is for control paths; signatures and key exchange of hot paths are libsodium's.
 */
export type CurvePoint = InstanceType<typeof ed25519.Point>

/** Bytes of an encoded point, and of an encoded scalar. */
export const POINT_BYTES = 32

/** The order of the large subgroup, a prime a little above 2^252. */
export const CURVE_ORDER = ed25519.Point.CURVE().n

export const BASE_POINT: CurvePoint = ed25519.Point.BASE

/** The point of an encoding, by RFC 8032, section 5.1.3: undefined for y >= p, for x = 0 with its sign set, and off the curve. */
export function decodePoint(bytes: Uint8Array): CurvePoint | undefined {
  if (bytes.length !== POINT_BYTES) return undefined
  try {
    return ed25519.Point.fromBytes(bytes, false)
  } catch {
    return undefined
  }
}

export function encodePoint(point: CurvePoint): Uint8Array {
  return point.toBytes()
}

/** A point times a secret scalar in [1, order), without branches on the scalar. */
export function multiplySecretly(point: CurvePoint, secret: bigint): CurvePoint {
  return point.multiply(secret)
}

/** `a` times `p` minus `b` times `q`. Both scalars in [0, order) and public: the time taken tells them. */
export function subtractMultiples(p: CurvePoint, a: bigint, q: CurvePoint, b: bigint): CurvePoint {
  return p.multiplyUnsafe(a).subtract(q.multiplyUnsafe(b))
}

/** Eight times the point: the part of it in the large subgroup. */
export function clearCofactor(point: CurvePoint): CurvePoint {
  return point.clearCofactor()
}

/** Whether eight times the point is the identity. */
export function isSmallOrder(point: CurvePoint): boolean {
  return point.isSmallOrder()
}

export function isIdentity(point: CurvePoint): boolean {
  return point.is0()
}

/** `edwards25519_XMD:SHA-512_ELL2_NU_` of RFC 9380 with the separation tag given: a point of the large subgroup. */
export function encodeToCurve(message: Uint8Array, separationTag: Uint8Array): CurvePoint {
  return ed25519_hasher.encodeToCurve(message, { DST: separationTag })
}

/** 64 bytes. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
