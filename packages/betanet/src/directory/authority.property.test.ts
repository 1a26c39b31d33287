import { ManualClock, toHex } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyLottery } from '../lottery/index.ts'
import { authorityKeys, authorityOf, GOOD_MEASURE, makeNodes, rulesOf } from '../testing/directory-network.ts'
import { aggregate, beaconPlace, type Ground } from './aggregate.ts'
import { encodeAuthorityMessage } from './authority-message.ts'
import { contribute } from './beacon.ts'
import { consensusDigest } from './consensus.ts'
import { startOf } from './schedule.ts'
import { signVote, type SignedVote, type Vote } from './vote.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e']
const NODES = makeNodes(8, 1)
const clock = new ManualClock()
const rules = rulesOf(NAMES, 3, clock)
const ground: Ground = { trust: rules, schedule: rules.schedule, epoch: 1, previous: undefined, revealed: undefined }
const proofs = new Map(NAMES.map((name) => [name, contribute(authorityKeys(name).vrfSecretKey, beaconPlace(ground))]))
const descriptors = NODES.map((node) => node.descriptor(1))

function voteOf(name: string, nodes: Vote['nodes'], nodesPerLayer = 3): SignedVote {
  const { signingKey, signingSecretKey } = authorityKeys(name)
  const vote: Vote = {
    kind: 'betanet.vote.v1',
    network: rules.network,
    epoch: 1,
    authority: signingKey,
    previousDigest: undefined,
    beaconProof: proofs.get(name)!,
    parameters: { ...rules.parameters, nodesPerLayer },
    nodes,
  }
  return signVote(vote, signingSecretKey)
}

const measures = fc.record({ reputation: fc.nat(1_000), performance: fc.nat(1_000), stake: fc.nat(20_000) })
/** Any subset of the nodes, with anything measured. */
const lists = fc
  .subarray(descriptors)
  .chain((listed) => fc.tuple(...listed.map((signed) => measures.map((measured) => ({ signed, measured })))))
const honest = descriptors.map((signed) => ({ signed, measured: GOOD_MEASURE }))

function digestOf(votes: readonly SignedVote[]): string {
  const outcome = aggregate(ground, votes)
  return outcome.ok ? toHex(consensusDigest(outcome.consensus)) : outcome.reason
}

describe('aggregate', () => {
  test('gives the same bytes whatever the order of the votes, and a lottery that comes out', () => {
    fc.assert(
      fc.property(fc.array(lists, { minLength: 5, maxLength: 5 }), fc.nat(119), (said, turn) => {
        const votes = NAMES.map((name, i) => voteOf(name, said[i]!))
        const turned = votes.toSorted(
          (a, b) => toHex(a.signature).charCodeAt(turn) - toHex(b.signature).charCodeAt(turn),
        )
        const outcome = aggregate(ground, votes)
        expect(digestOf(turned)).toBe(digestOf(votes))
        expect(outcome.ok && verifyLottery(rules, outcome.consensus)).toEqual([])
      }),
      { numRuns: 15 },
    )
  })

  test('follows three honest votes of five in nodes, measures and parameters, whatever two others say', () => {
    const places = (votes: readonly SignedVote[]) => {
      const outcome = aggregate(ground, votes)
      if (!outcome.ok) throw new Error(outcome.reason)
      const { nodes, parameters } = outcome.consensus
      return { parameters, nodes: nodes.map(({ place: _, ...node }) => node) }
    }
    const truth = places(NAMES.map((name) => voteOf(name, honest)))
    fc.assert(
      fc.property(lists, lists, fc.integer({ min: 1, max: 256 }), (d, e, nodesPerLayer) => {
        const votes = NAMES.slice(0, 3).map((name) => voteOf(name, honest))
        expect(places([...votes, voteOf('d', d, nodesPerLayer), voteOf('e', e, nodesPerLayer)])).toEqual(truth)
      }),
      { numRuns: 15 },
    )
  })

  test('counts neither strangers nor an authority twice, nor a vote for another epoch', () => {
    const [a, b] = [voteOf('a', honest), voteOf('b', honest)]
    const otherEpoch = { ...voteOf('c', honest).vote, epoch: 2 }
    const keys = authorityKeys('c')
    expect(digestOf([a, b, signVote(otherEpoch, keys.signingSecretKey)])).toBe('too_few_votes')
    expect(digestOf([a, b, a])).toBe('too_few_votes')
  })
})

describe('an authority', () => {
  test('takes any bytes as a descriptor or a message without a fault, and publishes nothing for them', async () => {
    const own = new ManualClock()
    const here = rulesOf(NAMES, 3, own)
    const authority = authorityOf('a', here, own)
    const vote = voteOf('b', honest.slice(0, 2))
    const seeds = [
      NODES[0]!.bytes(1),
      encodeAuthorityMessage({
        tag: 'vote',
        body: { kind: 'betanet.vote-message.v1', signed: vote, endorsements: [] },
      }),
    ]
    await authority.takeDescriptor(seeds[0]!)
    own.advance(startOf(here.schedule, 1) - here.schedule.closeMs - own.now())
    await authority.tick()
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([seed, at, flip]) => {
        const bytes = seed.slice()
        bytes[at % bytes.length]! ^= flip
        return bytes
      })
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
        expect((await authority.takeDescriptor(bytes)).ok).toBe(false)
        expect((await authority.takeMessage(bytes)).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
    expect(await authority.newestConsensus()).toBeUndefined()
  })
})
