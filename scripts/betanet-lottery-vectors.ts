import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { concat, seededRng, toHex, utf8 } from '../packages/kernel/src/index.ts'
import { blake2b } from '../packages/kernel/src/node/index.ts'
import { negativeLnReference } from '../packages/betanet/src/testing/delay-reference.ts'

/**
 * `node scripts/betanet-lottery-vectors.ts`: writes packages/betanet/vectors/lottery.json, the same each time. It draws as
 * docs/betanet-lottery.md says, with big integers, seat by seat, and without the engine.
 */
const rng = seededRng(2024)

interface Candidate {
  readonly id: Uint8Array
  readonly weight: bigint
}

function hash(label: string, beacon: Uint8Array, epoch: number, id: Uint8Array): Uint8Array {
  const epochBytes = Uint8Array.from({ length: 8 }, (_, i) => Number((BigInt(epoch) >> BigInt(8 * (7 - i))) & 255n))
  return blake2b(32, beacon, concat(utf8(label), epochBytes, id))
}

function draw(beacon: Uint8Array, epoch: number, candidates: readonly Candidate[]): Candidate[] {
  const left = candidates
    .filter(({ weight }) => weight > 0n)
    .map((candidate) => {
      const u = hash('fog betanet lottery v1', beacon, epoch, candidate.id).subarray(0, 8)
      return { candidate, ln: negativeLnReference(BigInt(`0x${toHex(u)}`)) }
    })
  const order: Candidate[] = []
  while (left.length > 0) {
    const lowest = left.reduce((best, one) =>
      one.ln * best.candidate.weight < best.ln * one.candidate.weight ? one : best,
    )
    left.splice(left.indexOf(lowest), 1)
    order.push(lowest.candidate)
  }
  return order
}

function seat(
  beacon: Uint8Array,
  epoch: number,
  drawn: readonly Candidate[],
  nodesPerLayer: number,
): Map<Candidate, number> {
  const key = ({ id }: Candidate) => toHex(hash('fog betanet layers v1', beacon, epoch, id))
  const sums = [0, 1, 2].map((layer) => ({ layer, weight: 0n, nodes: 0 }))
  const seats = new Map<Candidate, number>()
  for (const candidate of [...drawn].sort((a, b) => (key(a) < key(b) ? -1 : 1))) {
    const free = sums.filter(({ nodes }) => nodes < nodesPerLayer)
    const lightest = free.reduce((best, one) => (one.weight < best.weight ? one : best))
    lightest.weight += candidate.weight
    lightest.nodes += 1
    seats.set(candidate, lightest.layer)
  }
  return seats
}

function weight(reputation: bigint, performance: bigint, stake: bigint, faults: bigint): bigint {
  const service = performance > 800n ? 1_000n - 5n * (1_000n - performance) : 0n
  const capped = 100n * (stake < 10_000n ? stake : 10_000n)
  const bonus = Array.from({ length: 1_001 }, (_, i) => BigInt(i)).findLast((root) => root * root <= capped)!
  const reliability = faults >= 8n ? 0n : 1_000n / 2n ** faults
  return (reputation * service * (1_000n + bonus) * reliability) / 1_000_000n
}

const draws = [1, 2, 3, 5].map((nodesPerLayer, i) => {
  const [beacon, epoch] = [rng.bytes(32), 1_000 * i + 7]
  const candidates = Array.from({ length: 6 + 5 * i }, (_, j) => {
    return { id: rng.bytes(32), weight: j % 5 === 4 ? 0n : BigInt(1 + Math.floor(rng.next() * 2_000_000)) }
  })
  const order = draw(beacon, epoch, candidates)
  const seats = seat(beacon, epoch, order.slice(0, 3 * nodesPerLayer), nodesPerLayer)
  return {
    beacon: toHex(beacon),
    epoch,
    nodesPerLayer,
    candidates: candidates.map(({ id, weight: own }) => ({ id: toHex(id), weight: Number(own) })),
    order: order.map((candidate) => candidates.indexOf(candidate)),
    layers: candidates.map((candidate) => seats.get(candidate) ?? null),
  }
})

const weights = Array.from({ length: 40 }, (_, i) => {
  const [reputation, performance] = [Math.floor(rng.next() * 1_001), 780 + Math.floor(rng.next() * 221)]
  const [stake, faults] = [Math.floor(rng.next() * 12_000), i % 10]
  const value = weight(BigInt(reputation), BigInt(performance), BigInt(stake), BigInt(faults))
  return { reputation, performance, stake, faults, weight: Number(value) }
})

const source = 'docs/betanet-lottery.md, computed with big integers by scripts/betanet-lottery-vectors.ts'
const path = join(import.meta.dirname, '..', 'packages', 'betanet', 'vectors', 'lottery.json')
writeFileSync(path, `${JSON.stringify({ source, weights, draws }, null, 1)}\n`)
console.log(`${path}: ${weights.length} weights, ${draws.length} draws`)
