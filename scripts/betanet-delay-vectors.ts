import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { concat, fromHex, seededRng, toHex, utf8 } from '../packages/kernel/src/index.ts'
import { blake2b } from '../packages/kernel/src/node/index.ts'
import { delayAlpha } from '../packages/betanet/src/delay/index.ts'
import { delayStepsReference, negativeLnReference } from '../packages/betanet/src/testing/delay-reference.ts'
import { proofToHash, prove, vrfPublicKey } from '../packages/betanet/src/vrf/index.ts'

/** `node scripts/betanet-delay-vectors.ts`: writes packages/betanet/vectors/delays.json, the same each time. */
const rng = seededRng(9381)
const hex64 = (w: bigint) => w.toString(16).padStart(16, '0')
const edges = [0n, 1n, 2n, 255n, 256n, 1n << 31n, 1n << 32n, (1n << 32n) - 1n, 1n << 63n, (1n << 63n) - 1n]
const random = Array.from({ length: 40 }, () => BigInt(`0x${toHex(rng.bytes(8))}`))
const words = [...edges, ...edges.map((w) => (1n << 64n) - 1n - w), ...random]

const seed = { nodeId: rng.bytes(32), epoch: 1_401_234, beacon: rng.bytes(32), sphinxKey: rng.bytes(32) }
const secretKey = rng.bytes(32)
const reveals = (['tai', 'ell2'] as const).map((suite) => {
  const proof = prove(suite, secretKey, delayAlpha(seed))
  return { suite, proof: toHex(proof), output: toHex(proofToHash(suite, proof)!) }
})
const output = fromHex(reveals[0]!.output)!
const key = blake2b(32, output, utf8('delay'))
const means = [1, 7, 50, 500, 12_345, 131_071]
const packets = Array.from({ length: 60 }, (_, i) => {
  const replayTag = rng.bytes(i % 2 === 0 ? 32 : 16)
  const u = toHex(blake2b(32, key, replayTag).subarray(0, 8))
  const meanSteps = means[i % means.length]!
  return {
    replayTag: toHex(replayTag),
    u,
    meanSteps,
    steps: Number(delayStepsReference(BigInt(meanSteps), BigInt(`0x${u}`))),
  }
})

const vectors = {
  source: 'docs/betanet-delays.md, computed with big integers by scripts/betanet-delay-vectors.ts',
  negativeLn: words.map((w) => ({ w: hex64(w), value: Number(negativeLnReference(w)) })),
  reveal: {
    secretKey: toHex(secretKey),
    publicKey: toHex(vrfPublicKey(secretKey)),
    nodeId: toHex(seed.nodeId),
    epoch: seed.epoch,
    beacon: toHex(seed.beacon),
    sphinxKey: toHex(seed.sphinxKey),
    alpha: toHex(concat(delayAlpha(seed))),
    reveals,
  },
  delays: { output: toHex(output), key: toHex(key), packets },
}
const path = join(import.meta.dirname, '..', 'packages', 'betanet', 'vectors', 'delays.json')
writeFileSync(path, `${JSON.stringify(vectors, null, 1)}\n`)
console.log(`${path}: ${words.length} logarithms, ${packets.length} delays`)
