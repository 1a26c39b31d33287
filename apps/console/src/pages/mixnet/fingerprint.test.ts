import { expect, test } from 'vitest'
import type { MixnetRules } from '@fog/contract'
import { canonicalJson, toHex, utf8 } from '@fog/kernel'
import { blake2b } from '@fog/kernel/node'
import { fingerprintsOf } from './fingerprint.ts'

const KEY = new Uint8Array(32).map((_, i) => 255 - i)
const RULES = {
  network: 'A'.repeat(43),
  authorities: [{ signingKey: Buffer.from(KEY).toString('base64url'), vrfKey: 'B'.repeat(43) }],
  threshold: 1,
  schedule: { genesisAt: 1_700_000_000_000, epochMs: 1_200_000, closeMs: 300_000, roundMs: 30_000 },
} as const
const withDelays = (delay: number) => ({ ...RULES, parameters: { delayMeansSteps: [delay] } }) as unknown as MixnetRules

test('a fingerprint is what a node computes, and does not change with what is voted on', async () => {
  const fingerprints = await fingerprintsOf(withDelays(50))
  const fixed = utf8(canonicalJson(RULES))
  expect(fingerprints.network).toBe(toHex(blake2b(32, undefined, utf8('fog betanet pin v1'), fixed)))
  expect(fingerprints.authorities.map((key) => key.replaceAll(' ', ''))).toEqual([
    toHex(blake2b(16, undefined, utf8('fog betanet key v1'), KEY)),
  ])
  expect(await fingerprintsOf(withDelays(7))).toEqual(fingerprints)
})
