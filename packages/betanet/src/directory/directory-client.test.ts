import { ManualClock, toHex } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { authorityKeys, GOOD_MEASURE, makeNodes, NETWORK, rulesOf, seedOf } from '../testing/directory-network.ts'
import { aggregate, beaconPlace, type Ground } from './aggregate.ts'
import { contribute } from './beacon.ts'
import { consensusDigest, signDigest, signedConsensusForm, type Consensus } from './consensus.ts'
import { clientTimesOf, DEFAULT_CLIENT_TIMES, DirectoryClient } from './directory-client.ts'
import { startOf } from './schedule.ts'
import { signVote } from './vote.ts'

const NAMES = ['a', 'b', 'c']
const NODES = makeNodes(6, 2)
const clock = new ManualClock()
const rules = rulesOf(NAMES, 2, clock)
const { epochMs, genesisAt } = rules.schedule

/** The consensus of an epoch by these authorities' votes. */
function consensusOf(epoch: number, previous?: Consensus, voters: readonly string[] = NAMES): Consensus {
  const ground: Ground = { trust: rules, schedule: rules.schedule, epoch, previous, revealed: undefined }
  const votes = voters.map((name) => {
    const keys = authorityKeys(name)
    const nodes = NODES.map((node) => ({ signed: node.descriptor(epoch), measured: GOOD_MEASURE }))
    const { parameters } = rules
    const beaconProof = contribute(keys.vrfSecretKey, beaconPlace(ground))
    const place = { network: NETWORK, epoch, authority: keys.signingKey }
    const previousDigest = previous && consensusDigest(previous)
    return signVote(
      { kind: 'betanet.vote.v1', ...place, previousDigest, beaconProof, parameters, nodes },
      keys.signingSecretKey,
    )
  })
  const outcome = aggregate(ground, votes)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.consensus
}

function signed(consensus: Consensus, signers: readonly string[] = NAMES): Uint8Array {
  const digest = consensusDigest(consensus)
  const signatures = signers.map((name) => {
    const { signingKey, signingSecretKey } = authorityKeys(name)
    return { authority: signingKey, signature: signDigest(digest, signingSecretKey) }
  })
  return signedConsensusForm.encode({ consensus, signatures })
}

function clientAt(ms: number): { client: DirectoryClient; clock: ManualClock } {
  const own = new ManualClock(ms)
  const options = { ...rules, ...DEFAULT_CLIENT_TIMES, maxSkewMs: 2_000, maxEarlyMs: 5_000 }
  return { client: new DirectoryClient({ clock: own }, options), clock: own }
}

const first = consensusOf(1)
const second = consensusOf(2, first)
const third = consensusOf(3, second)

describe('a client', () => {
  test('takes what enough authorities signed, uses it while it lasts, and the next from its start on', () => {
    const { client, clock: own } = clientAt(genesisAt)
    expect(client.current()).toBeUndefined()
    expect(client.take(signed(first))).toMatchObject({ ok: true, isNew: true })
    expect(client.take(signed(first, ['b', 'c']))).toMatchObject({ ok: true, isNew: false })
    expect(client.current()?.epoch).toBe(1)
    expect(client.staleAt()).toBe(startOf(rules.schedule, 2))
    own.advance(epochMs - 5_000)
    expect(client.take(signed(second))).toMatchObject({ ok: true, isNew: true })
    expect([client.current()?.epoch, client.upcoming()?.epoch]).toEqual([1, 2])
    own.advance(5_000)
    expect([client.current()?.epoch, client.upcoming()?.epoch]).toEqual([2, undefined])
  })

  test('keeps the last good one until it expires when no other comes', () => {
    const { client, clock: own } = clientAt(genesisAt)
    client.take(signed(first))
    own.advance(2 * epochMs - 1)
    expect(client.take(Uint8Array.of(1, 2, 3))).toMatchObject({ reason: 'malformed' })
    expect(client.current()?.epoch).toBe(1)
    own.advance(2_001)
    expect(client.current()).toBeUndefined()
    expect(client.take(signed(first))).toMatchObject({ reason: 'expired' })
  })

  test('refuses what too few signed, whoever else did, and however often', () => {
    const { client } = clientAt(genesisAt)
    expect(client.take(signed(first, ['a']))).toMatchObject({ reason: 'too_few_signatures', detail: '1 of 2' })
    expect(client.take(signed(first, ['a', 'a', 'a']))).toMatchObject({ reason: 'too_few_signatures' })
    expect(client.take(signed(first, ['a', 'x', 'y', 'z']))).toMatchObject({ reason: 'too_few_signatures' })
    expect(client.current()).toBeUndefined()
  })

  test('refuses another network, times out of order, and what comes long before its time', () => {
    const { client } = clientAt(genesisAt)
    expect(client.take(signed({ ...first, network: seedOf('another') }))).toMatchObject({ reason: 'wrong_network' })
    expect(client.take(signed({ ...first, freshUntil: first.validAfter }))).toMatchObject({ reason: 'malformed' })
    expect(client.take(signed(second))).toMatchObject({ reason: 'not_yet_valid' })
  })

  test('lets nobody put it back, or onto another branch, or tell it two stories of one epoch', () => {
    const { client, clock: own } = clientAt(genesisAt)
    client.take(signed(first))
    own.advance(epochMs)
    const other = consensusOf(2, first, ['a', 'b'])
    const branch = consensusOf(2, consensusOf(1, undefined, ['a', 'b']))
    expect(client.take(signed(branch))).toMatchObject({ reason: 'forked' })
    expect(client.take(signed(second)).ok).toBe(true)
    expect(client.take(signed(other))).toMatchObject({ reason: 'equivocation' })
    expect(client.take(signed(first))).toMatchObject({ ok: true, isNew: false })
    own.advance(epochMs)
    expect(client.take(signed(third)).ok).toBe(true)
    expect(client.take(signed(first))).toMatchObject({ ok: false })
    expect(client.current()?.epoch).toBe(3)
  })

  test('still refuses an older one after a restart with the documents it kept', () => {
    const { client } = clientAt(genesisAt + epochMs)
    client.take(signed(first))
    client.take(signed(second))
    const { client: restarted } = clientAt(genesisAt + epochMs)
    for (const document of client.documents().slice(1)) restarted.take(document)
    expect(restarted.current()?.epoch).toBe(2)
    expect(restarted.take(signed(first))).toMatchObject({ reason: 'rolled_back' })
  })

  test('refuses a lottery that does not come out even when all authorities signed it', () => {
    const { client } = clientAt(genesisAt)
    const [node, ...others] = first.nodes
    const forged = { ...first, nodes: [{ ...node!, place: 'reserve' as const }, ...others] }
    expect(client.take(signed(forged))).toMatchObject({ reason: 'flawed' })
    expect(client.take(signed({ ...first, beacon: seedOf('chosen') }))).toMatchObject({ reason: 'flawed' })
  })

  test.each([
    [-7_001, 'not_yet_valid'],
    [-5_000, undefined],
    [-1_999, 1],
    [0, 1],
    [2 * epochMs + 1_999, 1],
    [2 * epochMs + 2_000, 'expired'],
  ])('whose clock is %i ms from the start of the epoch does as it should', (offset, expected) => {
    const { client } = clientAt(genesisAt + offset)
    const taken = client.take(signed(first))
    expect(taken.ok ? client.current()?.epoch : taken.reason).toBe(expected)
  })

  test('says how it stands, and why nothing newer is held', () => {
    const { client, clock: own } = clientAt(genesisAt)
    expect(client.standing()).toMatchObject({ state: 'none', epoch: undefined })
    client.take(signed(first))
    expect(client.standing()).toEqual({
      state: 'current',
      epoch: 1,
      endsAt: startOf(rules.schedule, 3),
      why: undefined,
    })
    // Clocks may be two seconds apart: what is missing by one of them only is not missing.
    own.advance(epochMs + 1_999)
    expect(client.standing().state).toBe('current')
    own.advance(1)
    client.take(signed(second, ['a']))
    const { state, why } = client.standing()
    expect([state, why]).toEqual([
      'late',
      'The consensus of epoch 2 is missing; that of epoch 1 serves until 2026-01-01T00:01:10.000Z. What came last was refused as too_few_signatures: 1 of 2.',
    ])
    own.advance(epochMs)
    expect(client.standing()).toMatchObject({ state: 'stopped', epoch: 1 })
    own.advance(epochMs)
    client.take(signed(third))
    expect(client.standing()).toMatchObject({ state: 'late', epoch: 3 })
  })

  test('whose clock is off by too much is told so in the reason', () => {
    const slow = clientAt(genesisAt - 60_000).client
    expect(slow.take(signed(first))).toMatchObject({
      detail: 'its epoch begins in 60000 ms by this clock, which may be slow',
    })
    expect(slow.standing().why).toContain('by this clock, which may be slow')
    const fast = clientAt(genesisAt + 3 * epochMs).client
    expect(fast.take(signed(first))).toMatchObject({ detail: '20000 ms ago by this clock, which may be fast' })
  })

  test.each([
    [1_200_000, 300_000, 60_000, 600_000],
    [20_000, 8_000, 1_000, 13_000],
    [86_400_000, 300_000, 60_000, 21_900_000],
  ])(
    'of epochs of %i ms allows for clocks as far apart as that makes sense',
    (length, closeMs, maxSkewMs, maxEarlyMs) => {
      expect(clientTimesOf({ epochMs: length, closeMs })).toEqual({ maxSkewMs, maxEarlyMs })
    },
  )

  test('falls for no changed byte anywhere in a document', () => {
    const bytes = signed(first, ['a', 'b'])
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const { client } = clientAt(genesisAt)
        const other = bytes.slice()
        other[at]! ^= 1 << bit
        expect(client.take(other).ok).toBe(false)
        expect(client.current()).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('falls for no document cut off, prolonged, or made of other JSON', () => {
    const bytes = signed(first, ['a', 'b'])
    const { client } = clientAt(genesisAt)
    for (let length = 0; length < bytes.length; length += 37)
      expect(client.take(bytes.subarray(0, length))).toMatchObject({ reason: 'malformed' })
    expect(client.take(Uint8Array.from([...bytes, 0x20]))).toMatchObject({ reason: 'malformed' })
    expect(client.take(new Uint8Array(5_000_000))).toMatchObject({ reason: 'malformed' })
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(client.take(new TextEncoder().encode(json))).toMatchObject({ reason: 'malformed' })
      }),
    )
  })
})

describe('the beacon', () => {
  test('is another one each epoch, and with each set of contributions', () => {
    const beacons = [first, second, third, consensusOf(1, undefined, ['a', 'b']), consensusOf(1, undefined, ['b', 'c'])]
    expect(new Set(beacons.map(({ beacon }) => toHex(beacon))).size).toBe(5)
  })

  test('counts no contribution made for another place or with another key', () => {
    const ground: Ground = {
      trust: rules,
      schedule: rules.schedule,
      epoch: 1,
      previous: undefined,
      revealed: undefined,
    }
    const keys = authorityKeys('a')
    const vote = {
      kind: 'betanet.vote.v1',
      network: NETWORK,
      epoch: 1,
      authority: keys.signingKey,
      previousDigest: undefined,
      parameters: rules.parameters,
      nodes: [],
    } as const
    const proofs = [
      contribute(keys.vrfSecretKey, { ...beaconPlace(ground), epoch: 2 }),
      contribute(keys.vrfSecretKey, { ...beaconPlace(ground), previous: seedOf('other') }),
      contribute(authorityKeys('b').vrfSecretKey, beaconPlace(ground)),
    ]
    for (const beaconProof of proofs) {
      const outcome = aggregate(ground, [signVote({ ...vote, beaconProof }, keys.signingSecretKey)])
      expect(outcome).toEqual({ ok: false, reason: 'too_few_votes', votes: 0 })
    }
  })
})
