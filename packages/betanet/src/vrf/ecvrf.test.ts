import { fromHex, toHex } from '@fog/kernel'
import * as curve from '@fog/kernel/node'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../vectors/rfc9381-ecvrf.json' with { type: 'json' }
import { isValidVrfKey, proofToHash, prove, verify, vrfPublicKey, VRF_OUTPUT_BYTES, VRF_PROOF_BYTES } from './index.ts'
import { partsOf } from './suite.ts'

const bytes = (hex: string) => fromHex(hex)!
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const messages = fc.uint8Array({ maxLength: 100 })
const few = { numRuns: 12 }

/** All points of order 1, 2, 4 and 8, in every encoding a lax decoder would take. */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
]

describe.each(['tai', 'ell2'] as const)('the suite %s', (suite) => {
  test.each(vectors[suite].map((vector) => [vector.example, vector] as const))('gives example %i', (_, vector) => {
    const [sk, pk, alpha, pi] = [bytes(vector.sk), bytes(vector.pk), bytes(vector.alpha), bytes(vector.pi)]
    expect(toHex(vrfPublicKey(sk))).toBe(vector.pk)
    expect(toHex(curve.encodePoint(partsOf(suite).encodeToCurve(pk, alpha)))).toBe(vector.h)
    expect(toHex(prove(suite, sk, alpha))).toBe(vector.pi)
    expect(toHex(verify(suite, pk, alpha, pi)!)).toBe(vector.beta)
    expect(toHex(proofToHash(suite, pi)!)).toBe(vector.beta)
  })

  test('what is proved is verified, and gives the same output each time', () => {
    fc.assert(
      fc.property(seeds, messages, (seed, alpha) => {
        const proof = prove(suite, seed, alpha)
        const output = verify(suite, vrfPublicKey(seed), alpha, proof)
        expect(proof).toHaveLength(VRF_PROOF_BYTES)
        expect(output).toHaveLength(VRF_OUTPUT_BYTES)
        expect(output).toEqual(proofToHash(suite, proof))
        expect(prove(suite, seed, alpha)).toEqual(proof)
      }),
      few,
    )
  })

  test('no proof survives a flipped bit', { timeout: 120_000 }, () => {
    const [seed, alpha] = [new Uint8Array(32).fill(9), Uint8Array.of(1, 2, 3)]
    const [key, proof] = [vrfPublicKey(seed), prove(suite, seed, alpha)]
    for (let bit = 0; bit < 8 * VRF_PROOF_BYTES; bit += 3)
      expect(verify(suite, key, alpha, flip(proof, bit))).toBeUndefined()
    for (let bit = 0; bit < 256; bit += 5) expect(verify(suite, flip(key, bit), alpha, proof)).toBeUndefined()
    for (let bit = 0; bit < 24; bit++) expect(verify(suite, key, flip(alpha, bit), proof)).toBeUndefined()
  })

  test('a proof of the other suite proves nothing', () => {
    const seed = new Uint8Array(32).fill(4)
    const proof = prove(suite === 'tai' ? 'ell2' : 'tai', seed, seed)
    expect(verify(suite, vrfPublicKey(seed), seed, proof)).toBeUndefined()
  })

  test('s plus the order is the same number and still refused', () => {
    const seed = new Uint8Array(32).fill(5)
    const proof = prove(suite, seed, seed)
    const s = proof.slice(48).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + curve.CURVE_ORDER
    const other = proof.slice()
    for (let i = 0; i < 32; i++) other[48 + i] = Number((s >> BigInt(8 * i)) & 255n)
    expect(verify(suite, vrfPublicKey(seed), seed, proof)).toBeDefined()
    expect(verify(suite, vrfPublicKey(seed), seed, other)).toBeUndefined()
    expect(proofToHash(suite, other)).toBeUndefined()
  })

  test.each(SMALL_ORDER)('a key of small order, or one not canonical, proves nothing: %s', (hex) => {
    const alpha = Uint8Array.of(7)
    // What such a key's owner would show: gamma = identity, and s chosen for a challenge that the key cannot disturb.
    const proof = new Uint8Array(VRF_PROOF_BYTES)
    proof[0] = 1
    expect(isValidVrfKey(bytes(hex))).toBe(false)
    expect(verify(suite, bytes(hex), alpha, proof)).toBeUndefined()
  })

  test('bytes of any kind and length are refused without a fault', () => {
    const key = vrfPublicKey(new Uint8Array(32).fill(6))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.uint8Array({ maxLength: 40 }), messages, (proof, pk, alpha) => {
        expect(verify(suite, key, alpha, proof)).toBeUndefined()
        expect(verify(suite, pk, alpha, proof)).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})

test('a secret key of another length is a mistake of ours', () => {
  expect(() => prove('tai', new Uint8Array(31), new Uint8Array())).toThrow('32 bytes')
})

function flip(whole: Uint8Array, bit: number): Uint8Array {
  const other = whole.slice()
  other[bit >> 3]! ^= 1 << (bit & 7)
  return other
}
