import { fromHex, seededRng, toHex, utf8 } from '@fog/kernel'
import { blake2b, sha256 } from '@fog/kernel/node'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import vectors from '../../vectors/delays.json' with { type: 'json' }
import { delayStepsReference, lnOf, negativeLnReference, roundedLn } from '../testing/delay-reference.ts'
import { vrfPublicKey, type VrfSuite } from '../vrf/index.ts'
import { delayAlpha, DelaySource, delaySteps, MAX_MEAN_STEPS, openDelays, verifyReveal } from './delay-source.ts'
import { ksTest, steppedExponential } from './kolmogorov.ts'
import { LN_2, LN_TABLE } from './ln-table.ts'
import { LN_UNIT, negativeLn } from './negative-ln.ts'

const bytes = (hex: string) => fromHex(hex)!
const words = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const { reveal, delays } = vectors
const seed = {
  nodeId: bytes(reveal.nodeId),
  epoch: reveal.epoch,
  beacon: bytes(reveal.beacon),
  sphinxKey: bytes(reveal.sphinxKey),
}

function lnOfWord(w: bigint): number {
  return negativeLn(Number(w >> 32n), Number(w & 0xffff_ffffn))
}

test('the table holds the logarithms it should, and is the one that the page names', () => {
  expect(BigInt(LN_2)).toBe(roundedLn(2n, 1n))
  expect([...LN_TABLE].map(BigInt)).toEqual(Array.from({ length: 256 }, (_, i) => roundedLn(512n, 256n + BigInt(i))))
  const words = new Uint8Array(1_024)
  LN_TABLE.forEach((entry, i) => new DataView(words.buffer).setUint32(4 * i, entry))
  expect(toHex(sha256(words))).toBe('5b9cc88c2db152f84dccf7347833ec80bedef30fc27b33306b81dc4895568cc8')
})

test('the published logarithms and delays come out', () => {
  for (const { w, value } of vectors.negativeLn) expect(lnOfWord(BigInt(`0x${w}`))).toBe(value)
  const source = new DelaySource(bytes(delays.output))
  for (const { replayTag, u, meanSteps, steps } of delays.packets) {
    expect(source.stepsFor(bytes(replayTag), meanSteps)).toBe(steps)
    expect(delaySteps(meanSteps, Number.parseInt(u.slice(0, 8), 16), Number.parseInt(u.slice(8), 16))).toBe(steps)
  }
})

test('words and doubles compute what big integers do', () => {
  fc.assert(
    fc.property(words, fc.nat(63), fc.nat(MAX_MEAN_STEPS), (word, shift, mean) => {
      // Shifted, so that all magnitudes of 1 - u are met, and not only those near one.
      for (const w of [word, (1n << 64n) - 1n - (word >> BigInt(shift))]) {
        expect(BigInt(lnOfWord(w))).toBe(negativeLnReference(w))
        const steps = delaySteps(mean, Number(w >> 32n), Number(w & 0xffff_ffffn))
        expect(BigInt(steps)).toBe(delayStepsReference(BigInt(mean), w))
      }
    }),
    { numRuns: 3_000 },
  )
})

test('the logarithm is right to 4 units of 2^-32, and a fifth of one for each halving of 1 - u', () => {
  fc.assert(
    fc.property(words, fc.nat(63), (word, shift) => {
      const w = (1n << 64n) - 1n - (word >> BigInt(shift))
      const v = (1n << 64n) - w
      const zeros = BigInt(64 - v.toString(2).length)
      // Brought between one half and one first: elsewhere the series hardly converges.
      const ln = zeros * lnOf(2n, 1n) + lnOf(1n << 64n, v << zeros)
      const exact = (ln >> 120n) - (BigInt(lnOfWord(w)) << 8n)
      expect(Math.abs(Number(exact) / 256)).toBeLessThan(4 + Number(zeros) / 5)
    }),
    { numRuns: 400 },
  )
})

test('the ends: no delay at u = 0, the cap at u = 1 - 2^-64, and no mean out of range', () => {
  expect(negativeLn(0, 0)).toBe(0)
  expect(delaySteps(50, 0, 0)).toBe(0)
  expect(delaySteps(50, 0xffff_ffff, 0xffff_ffff)).toBe(500)
  expect(delaySteps(MAX_MEAN_STEPS, 0xffff_ffff, 0xffff_ffff)).toBe(10 * MAX_MEAN_STEPS)
  expect(delaySteps(0, 0xffff_ffff, 0)).toBe(0)
  expect(negativeLn(0xffff_ffff, 0xffff_ffff) / LN_UNIT).toBeCloseTo(64 * Math.LN2, 8)
  for (const mean of [-1, 0.5, MAX_MEAN_STEPS + 1, Number.NaN]) expect(() => delaySteps(mean, 1, 1)).toThrow('mean')
})

test('a delay grows with u, within the two units that cutting off may cost', () => {
  fc.assert(
    fc.property(words, words, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a]
      expect(lnOfWord(high)).toBeGreaterThanOrEqual(lnOfWord(low) - 2)
    }),
    { numRuns: 2_000 },
  )
})

test('one hundred thousand delays follow the exponential, for coarse means and fine ones', () => {
  const source = new DelaySource(bytes(delays.output))
  const rng = seededRng(3)
  const tags = Array.from({ length: 100_000 }, () => Buffer.from(rng.bytes(32)))
  for (const meanSteps of [3, 50, 5_000]) {
    const steps = tags.map((tag) => source.stepsFor(tag, meanSteps))
    expect(ksTest(steps, steppedExponential(meanSteps)).pValue).toBeGreaterThan(0.01)
    expect(Math.max(...steps)).toBeLessThanOrEqual(10 * meanSteps)
  }
})

test.each(reveal.reveals)(
  'the published reveal of suite $suite comes out and is verified',
  ({ suite, proof, output }) => {
    const opened = openDelays(suite as VrfSuite, bytes(reveal.secretKey), seed)
    expect(toHex(delayAlpha(seed))).toBe(reveal.alpha)
    expect(toHex(opened.reveal.proof)).toBe(proof)
    expect(toHex(opened.reveal.output)).toBe(output)
    const source = verifyReveal(suite as VrfSuite, bytes(reveal.publicKey), seed, opened.reveal)
    const tag = Uint8Array.of(1, 2, 3)
    expect(source!.stepsFor(tag, 777)).toBe(opened.source.stepsFor(tag, 777))
  },
)

test('a reveal is refused for another node, epoch, beacon, Sphinx key, VRF key, output or proof', () => {
  const { reveal: honest } = openDelays('tai', bytes(reveal.secretKey), seed)
  const key = bytes(reveal.publicKey)
  const other = blake2b(32, undefined, utf8('other'))
  for (const part of ['nodeId', 'beacon', 'sphinxKey'] as const)
    expect(verifyReveal('tai', key, { ...seed, [part]: other }, honest)).toBeUndefined()
  const later = seed.epoch + 1
  expect(verifyReveal('tai', key, { ...seed, epoch: later }, honest)).toBeUndefined()
  expect(verifyReveal('tai', key, { ...seed, epoch: later }, { ...honest, epoch: later })).toBeUndefined()
  expect(verifyReveal('tai', vrfPublicKey(other), seed, honest)).toBeUndefined()
  expect(verifyReveal('tai', key, seed, { ...honest, output: honest.output.toReversed() })).toBeUndefined()
  expect(verifyReveal('tai', key, seed, { ...honest, proof: honest.proof.toReversed() })).toBeUndefined()
  expect(verifyReveal('ell2', key, seed, honest)).toBeUndefined()
})
