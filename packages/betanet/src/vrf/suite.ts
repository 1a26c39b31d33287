import { concat, utf8 } from '@fog/kernel'
import * as curve from '@fog/kernel/node'

/** The two suites of RFC 9381, section 5.5, on edwards25519. They differ in how a message becomes a point. */
export type VrfSuite = 'tai' | 'ell2'

export interface SuiteParts {
  /** `suite_string`: goes into every hash, so that a proof of one suite is none of the other. */
  readonly id: number
  /** `ECVRF_encode_to_curve` of section 5.4.1. */
  encodeToCurve(publicKey: Uint8Array, alpha: Uint8Array): curve.CurvePoint
}

const TAI_ID = 0x03
const ELL2_ID = 0x04

const ELL2_TAG = concat(utf8('ECVRF_edwards25519_XMD:SHA-512_ELL2_NU_'), Uint8Array.of(ELL2_ID))

const SUITES: Readonly<Record<VrfSuite, SuiteParts>> = {
  tai: { id: TAI_ID, encodeToCurve: tryAndIncrement },
  ell2: {
    id: ELL2_ID,
    encodeToCurve: (publicKey, alpha) => curve.encodeToCurve(concat(publicKey, alpha), ELL2_TAG),
  },
}

export function partsOf(suite: VrfSuite): SuiteParts {
  return SUITES[suite]
}

/**
 * Section 5.4.1.1. Half of all tries hit, so what it costs depends on alpha: alpha must be public, which here it is.
 * 256 misses in a row do not happen (2^-256), and would end it.
 */
function tryAndIncrement(publicKey: Uint8Array, alpha: Uint8Array): curve.CurvePoint {
  for (let counter = 0; counter < 256; counter++) {
    const front = Uint8Array.of(TAI_ID, 0x01)
    const digest = curve.sha512(front, publicKey, alpha, Uint8Array.of(counter, 0x00))
    const point = curve.decodePoint(digest.subarray(0, curve.POINT_BYTES))
    if (!point) continue
    const cleared = curve.clearCofactor(point)
    if (!curve.isIdentity(cleared)) return cleared
  }
  throw new Error('no counter of 256 leads to a point')
}
