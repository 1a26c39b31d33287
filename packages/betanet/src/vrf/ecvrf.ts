import { assert } from '@fog/kernel'
import * as curve from '@fog/kernel/node'
import { partsOf, type VrfSuite } from './suite.ts'

/** Verifiable random functions of RFC 9381: ECVRF-EDWARDS25519-SHA512-TAI and -ELL2. Names and steps are the RFC's. */

export const VRF_SECRET_KEY_BYTES = 32
export const VRF_PUBLIC_KEY_BYTES = curve.POINT_BYTES
const CHALLENGE_BYTES = 16
const SCALAR_BYTES = 32
/** gamma | c | s. */
export const VRF_PROOF_BYTES = curve.POINT_BYTES + CHALLENGE_BYTES + SCALAR_BYTES
/** One SHA-512 digest. */
export const VRF_OUTPUT_BYTES = 64

const CHALLENGE_FRONT = 0x02
const OUTPUT_FRONT = 0x03
const BACK = Uint8Array.of(0x00)

/** The public key of a 32-byte secret seed: the same as its Ed25519 key (RFC 8032, section 5.1.5). */
export function vrfPublicKey(secretKey: Uint8Array): Uint8Array {
  const { x, expanded } = expandSecret(secretKey)
  curve.wipe(expanded)
  return curve.encodePoint(curve.multiplySecretly(curve.BASE_POINT, x))
}

/** Proves what the function of `secretKey`, a 32-byte seed, gives for `alpha`: 80 bytes (section 5.1). */
export function prove(suite: VrfSuite, secretKey: Uint8Array, alpha: Uint8Array): Uint8Array {
  const parts = partsOf(suite)
  const { x, expanded } = expandSecret(secretKey)
  const publicPoint = curve.multiplySecretly(curve.BASE_POINT, x)
  const publicKey = curve.encodePoint(publicPoint)
  const h = parts.encodeToCurve(publicKey, alpha)
  const hBytes = curve.encodePoint(h)
  const gamma = curve.encodePoint(curve.multiplySecretly(h, x))
  // Section 5.4.2.2: the nonce of RFC 8032. It may be zero only with a chance of 2^-252.
  const nonceBytes = curve.sha512(expanded.subarray(SCALAR_BYTES), hBytes)
  const nonce = readLittleEndian(nonceBytes) % curve.CURVE_ORDER
  const u = curve.encodePoint(curve.multiplySecretly(curve.BASE_POINT, nonce))
  const v = curve.encodePoint(curve.multiplySecretly(h, nonce))
  const c = challenge(parts.id, [publicKey, hBytes, gamma, u, v])
  const s = (nonce + readLittleEndian(c) * x) % curve.CURVE_ORDER
  curve.wipe(expanded)
  curve.wipe(nonceBytes)

  const proof = new Uint8Array(VRF_PROOF_BYTES)
  proof.set(gamma)
  proof.set(c, curve.POINT_BYTES)
  proof.set(littleEndian(s), curve.POINT_BYTES + CHALLENGE_BYTES)
  return proof
}

/**
 * The 64 bytes that the function of `publicKey` gives for `alpha`, or undefined when the proof does not show it (section 5.3).
 * The key is validated: of small order it would give a known output for every alpha.
 */
export function verify(
  suite: VrfSuite,
  publicKey: Uint8Array,
  alpha: Uint8Array,
  proof: Uint8Array,
): Uint8Array | undefined {
  const y = curve.decodePoint(publicKey)
  const decoded = decodeProof(proof)
  if (!y || !decoded || curve.isSmallOrder(y)) return undefined
  const parts = partsOf(suite)
  const { gamma, c, s } = decoded
  const h = parts.encodeToCurve(publicKey, alpha)
  const cScalar = readLittleEndian(c)
  const u = curve.subtractMultiples(curve.BASE_POINT, s, y, cScalar)
  const v = curve.subtractMultiples(h, s, gamma, cScalar)
  const points = [publicKey, curve.encodePoint(h), proof.subarray(0, curve.POINT_BYTES)]
  const expected = challenge(parts.id, [...points, curve.encodePoint(u), curve.encodePoint(v)])
  return curve.equalSecrets(c, expected) ? outputOf(parts.id, gamma) : undefined
}

/** The output that belongs to a proof already verified; undefined when it is not even well formed (section 5.2). */
export function proofToHash(suite: VrfSuite, proof: Uint8Array): Uint8Array | undefined {
  const decoded = decodeProof(proof)
  return decoded && outputOf(partsOf(suite).id, decoded.gamma)
}

/** Whether a key may be used at all: a canonical point that is not of small order (section 5.4.5). */
export function isValidVrfKey(publicKey: Uint8Array): boolean {
  const point = curve.decodePoint(publicKey)
  return point !== undefined && !curve.isSmallOrder(point)
}

interface DecodedProof {
  readonly gamma: curve.CurvePoint
  readonly c: Uint8Array
  readonly s: bigint
}

/** Section 5.4.4. There is one encoding of each proof: `s` is below the order, gamma's encoding canonical. */
function decodeProof(proof: Uint8Array): DecodedProof | undefined {
  if (proof.length !== VRF_PROOF_BYTES) return undefined
  const gamma = curve.decodePoint(proof.subarray(0, curve.POINT_BYTES))
  const s = readLittleEndian(proof.subarray(curve.POINT_BYTES + CHALLENGE_BYTES))
  if (!gamma || s >= curve.CURVE_ORDER) return undefined
  return { gamma, c: proof.slice(curve.POINT_BYTES, curve.POINT_BYTES + CHALLENGE_BYTES), s }
}

function challenge(suiteId: number, points: readonly Uint8Array[]): Uint8Array {
  return curve.sha512(Uint8Array.of(suiteId, CHALLENGE_FRONT), ...points, BACK).slice(0, CHALLENGE_BYTES)
}

function outputOf(suiteId: number, gamma: curve.CurvePoint): Uint8Array {
  return curve.sha512(Uint8Array.of(suiteId, OUTPUT_FRONT), curve.encodePoint(curve.clearCofactor(gamma)), BACK)
}

/** RFC 8032, section 5.1.5. The scalar is taken modulo the order, which every point it meets here has. */
function expandSecret(secretKey: Uint8Array): { x: bigint; expanded: Uint8Array } {
  assert(secretKey.length === VRF_SECRET_KEY_BYTES, 'a VRF secret key is a seed of 32 bytes')
  const expanded = curve.sha512(secretKey)
  expanded[0]! &= 0xf8
  expanded[31] = (expanded[31]! & 0x7f) | 0x40
  return { x: readLittleEndian(expanded.subarray(0, SCALAR_BYTES)) % curve.CURVE_ORDER, expanded }
}

function readLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: SCALAR_BYTES }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}
