import { ManualClock, toHex } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { openDelays } from '../delay/index.ts'
import { follows, verifyLottery } from '../lottery/index.ts'
import {
  authorityKeys,
  authorityOf,
  GOOD_MEASURE,
  makeNodes,
  registryOf,
  rulesOf,
  TestNode,
} from '../testing/directory-network.ts'
import { beaconPlace } from './aggregate.ts'
import type { Authority } from './authority.ts'
import { encodeAuthorityMessage, parseAuthorityMessage } from './authority-message.ts'
import { contribute } from './beacon.ts'
import { consensusDigest, signedConsensusForm, signersOf, type Consensus, type SignedConsensus } from './consensus.ts'
import { signedDescriptorForm } from './descriptor.ts'
import { isSoundEvidence } from './evidence.ts'
import { MemoryDirectoryStore } from './memory-directory-store.ts'
import { DEFAULT_PARAMETERS } from './parameters.ts'
import { delaySeedOf, findNode, revealedSource } from './reveal.ts'
import type { DirectoryRules } from './rules.ts'
import { startOf } from './schedule.ts'
import { endorse, signVote, type Vote } from './vote.ts'

const NAMES = ['a', 'b', 'c', 'd']

/** Authorities, their nodes and the wires between: what a message passes is decided by `wire`. */
class Town {
  readonly clock = new ManualClock()
  readonly rules: DirectoryRules
  readonly stores: MemoryDirectoryStore[]
  authorities: Authority[]
  nodes: readonly TestNode[]
  readonly published: SignedConsensus[][]
  wire: (from: number, to: number, message: Uint8Array) => Uint8Array | undefined = (_from, _to, message) => message

  constructor(names: readonly string[], threshold: number, nodes: readonly TestNode[]) {
    this.rules = rulesOf(names, threshold, this.clock)
    this.stores = names.map(() => new MemoryDirectoryStore())
    this.authorities = names.map((name, i) => authorityOf(name, this.rules, this.clock, this.stores[i]))
    this.published = names.map(() => [])
    this.nodes = nodes
  }

  /** Uploads, votes and signatures of one epoch, in steps of half a round. */
  async run(epoch: number, upload = (node: TestNode) => node.bytes(epoch, this.past(epoch, node))): Promise<void> {
    const { schedule } = this.rules
    this.clock.advance(startOf(schedule, epoch) - schedule.closeMs - 1 - this.clock.now())
    for (const node of this.nodes)
      for (const authority of this.authorities) await authority.takeDescriptor(upload(node))
    this.clock.advance(1)
    while (this.clock.now() < startOf(schedule, epoch)) {
      for (const [i, authority] of this.authorities.entries()) await this.#deliver(i, await authority.tick())
      this.clock.advance(schedule.roundMs / 2)
    }
  }

  async #deliver(from: number, { send, published }: Awaited<ReturnType<Authority['tick']>>): Promise<void> {
    if (published) this.published[from]!.push(published)
    for (const message of send) {
      for (const [to, authority] of this.authorities.entries()) {
        const passed = to === from ? undefined : this.wire(from, to, message)
        const taken = passed && (await authority.takeMessage(passed))
        if (taken?.ok) await this.#deliver(to, taken)
      }
    }
  }

  async consensus(epoch: number, authority = 0): Promise<Consensus | undefined> {
    const bytes = await this.stores[authority]!.findConsensus(epoch)
    return bytes && signedConsensusForm.parse(bytes).consensus
  }

  past(epoch: number, node: TestNode): Consensus | undefined {
    const past = this.published.flat().find(({ consensus }) => consensus.epoch === epoch - 2)?.consensus
    return past && placeOf(past, node) !== undefined ? past : undefined
  }
}

function placeOf(consensus: Consensus, node: TestNode) {
  return entryOf(consensus, node)?.place
}

function entryOf({ nodes }: Consensus, node: TestNode) {
  return nodes.find(({ signed }) => toHex(signed.descriptor.identityKey) === toHex(node.id))
}

async function digests(town: Town, epoch: number): Promise<(string | undefined)[]> {
  return Promise.all(
    town.authorities.map(async (_, i) => {
      const consensus = await town.consensus(epoch, i)
      return consensus && toHex(consensusDigest(consensus))
    }),
  )
}

describe('one authority', () => {
  test('makes a consensus an epoch, each following on the last, with all nodes in their places', async () => {
    const town = new Town(['a'], 1, makeNodes(9, 2))
    for (const epoch of [1, 2, 3, 4]) await town.run(epoch)
    const consensuses = town.published[0]!.map(({ consensus }) => consensus)
    expect(consensuses.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
    for (const [i, consensus] of consensuses.entries()) {
      expect(verifyLottery(town.rules, consensus)).toEqual([])
      expect(i === 0 || follows(consensuses[i - 1]!, consensus)).toBe(true)
      const places = Map.groupBy(consensus.nodes, ({ place }) => place)
      expect([0, 1, 2, 'gateway'].map((place) => places.get(place as 0)?.length)).toEqual([3, 3, 3, 2])
    }
    expect(consensuses.map(({ nodes }) => nodes[0]!.reveal)).toEqual(['none', 'none', 'valid', 'valid'])
    expect(new Set(consensuses.map(({ beacon }) => toHex(beacon))).size).toBe(4)
  })

  test('lets a node that is new wait for an epoch', async () => {
    const town = new Town(['a'], 1, makeNodes(4, 1))
    await town.run(1)
    const newcomer = new TestNode('newcomer')
    town.nodes = [...town.nodes, newcomer]
    await town.run(2)
    await town.run(3)
    expect(placeOf((await town.consensus(2))!, newcomer)).toBe('waiting')
    expect([0, 1, 2, 'reserve']).toContain(placeOf((await town.consensus(3))!, newcomer))
  })

  test('lets a node wait that comes with another VRF or Sphinx key than the one it named', async () => {
    const nodes = makeNodes(5, 1)
    const town = new Town(['a'], 1, nodes)
    await town.run(1)
    const [turncoat, forgetful] = [nodes[0]!, nodes[1]!]
    await town.run(2, (node) => {
      if (node === turncoat) return node.bytes(2, undefined, { vrfKey: node.descriptor(2).descriptor.identityKey })
      return node.bytes(2, undefined, node === forgetful ? { sphinxKey: node.sphinxKey(77) } : {})
    })
    const consensus = (await town.consensus(2))!
    expect(placeOf(consensus, turncoat)).toBe('waiting')
    expect(placeOf(consensus, forgetful)).toBe('waiting')
    expect([0, 1, 2]).toContain(placeOf(consensus, nodes[2]!))
  })

  test('counts a missing reveal as a fault and takes a wrong one for the end, until it is made good', async () => {
    const [silent, liar, ...others] = makeNodes(8, 1)
    const town = new Town(['a'], 1, [silent!, liar!, ...others])
    for (const epoch of [1, 2]) await town.run(epoch)
    await town.run(3, (node) => {
      const honest = town.past(3, node)
      if (node === silent) return node.bytes(3)
      return node.bytes(3, node === liar ? { ...honest!, beacon: new Uint8Array(32) } : honest)
    })
    await town.run(4)
    const [third, fourth] = [(await town.consensus(3))!, (await town.consensus(4))!]
    expect(entryOf(third, silent!)).toMatchObject({ reveal: 'missing', faults: 1 })
    expect(entryOf(third, silent!)!.weight).toBe(Math.floor(entryOf(third, others[0]!)!.weight / 2))
    expect(entryOf(third, liar!)).toMatchObject({ reveal: 'wrong', faults: 8, weight: 0, place: 'reserve' })
    expect(entryOf(fourth, silent!)).toMatchObject({ reveal: 'valid', faults: 0 })
    expect(entryOf(fourth, liar!)).toMatchObject({ faults: 7 })
  })

  test('shows anyone the delays of a node that is done with an epoch', async () => {
    const nodes = makeNodes(3, 1)
    const town = new Town(['a'], 1, nodes)
    for (const epoch of [1, 2, 3]) await town.run(epoch)
    const [past, later] = [(await town.consensus(1))!, (await town.consensus(3))!]
    const seed = delaySeedOf(past, findNode(past, nodes[0]!.id)!)
    const { source } = openDelays('tai', nodes[0]!.vrfSecretKey, seed)
    const tag = Uint8Array.of(1, 2, 3)
    expect(revealedSource(past, later, nodes[0]!.id)?.stepsFor(tag, 500)).toBe(source.stepsFor(tag, 500))
    expect(revealedSource(past, (await town.consensus(2))!, nodes[0]!.id)).toBeUndefined()
    expect(revealedSource(past, later, town.rules.network)).toBeUndefined()
  })

  test('goes on after epochs without it, with the same nodes', async () => {
    const town = new Town(['a'], 1, makeNodes(4, 1))
    await town.run(1)
    await town.run(5)
    const consensus = (await town.consensus(5))!
    expect(consensus.nodes.every(({ place }) => place !== 'waiting')).toBe(true)
    expect(follows((await town.consensus(1))!, consensus)).toBe(true)
  })

  test('signs after a restart what it signed before, and nothing else', async () => {
    const town = new Town(['a'], 1, makeNodes(4, 1))
    const { schedule } = town.rules
    for (const node of town.nodes) await town.authorities[0]!.takeDescriptor(node.bytes(1))
    town.clock.advance(startOf(schedule, 1) - schedule.closeMs - town.clock.now())
    await town.stores[0]!.pinDigest(1, new Uint8Array(32))
    expect(await town.authorities[0]!.tick()).toEqual({ send: [expect.any(Uint8Array)] })
    const vote = await town.stores[0]!.findVote(1)
    const registry = registryOf(new Map([[toHex(town.nodes[0]!.id), { ...GOOD_MEASURE, reputation: 1 }]]))
    const restarted = authorityOf('a', town.rules, town.clock, town.stores[0], registry)
    expect((await restarted.tick()).published).toBeUndefined()
    expect(await town.stores[0]!.findVote(1)).toEqual(vote)
  })

  test('refuses descriptors with a reason', async () => {
    const [node, other] = makeNodes(2, 0)
    const town = new Town(['a'], 1, [])
    const [authority] = town.authorities
    const reason = async (bytes: Uint8Array) => {
      const outcome = await authority!.takeDescriptor(bytes)
      return outcome.ok ? (outcome.isNew ? 'new' : 'known') : outcome.reason
    }
    const forged = { ...node!.descriptor(1), signature: other!.descriptor(1).signature }
    expect(await reason(Uint8Array.of(1, 2))).toBe('malformed')
    expect(await reason(node!.bytes(1, undefined, { network: node!.id }))).toBe('wrong_network')
    expect(await reason(node!.bytes(2))).toBe('wrong_epoch')
    expect(await reason(signedDescriptorForm.encode(forged))).toBe('not_genuine')
    for (const key of ['vrfKey', 'nextVrfKey', 'linkKey', 'sphinxKey', 'nextSphinxKey']) {
      for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(255)])
        expect(await reason(node!.bytes(1, undefined, { [key]: bad }))).toBe('not_genuine')
    }
    expect(await reason(node!.bytes(1, undefined, { revision: 1 }))).toBe('new')
    expect(await reason(node!.bytes(1, undefined, { revision: 1 }))).toBe('known')
    expect(await reason(node!.bytes(1))).toBe('superseded')
    expect(await reason(node!.bytes(1, undefined, { revision: 1, operator: 'x' }))).toBe('conflict')
    expect(await reason(node!.bytes(1, undefined, { revision: 2, operator: 'x' }))).toBe('new')
    const [evidence] = await town.stores[0]!.listEvidence(5)
    expect(evidence).toMatchObject({ kind: 'descriptor', culprit: toHex(node!.id), epoch: 1 })
    expect(isSoundEvidence(evidence!)).toBe(true)
    expect(isSoundEvidence({ ...evidence!, second: evidence!.first })).toBe(false)
    expect(isSoundEvidence({ ...evidence!, culprit: toHex(other!.id) })).toBe(false)
  })
})

describe('four authorities of whom three must agree', () => {
  test('sign the same bytes, and each publishes them', async () => {
    const town = new Town(NAMES, 3, makeNodes(6, 2))
    for (const epoch of [1, 2, 3]) await town.run(epoch)
    for (const epoch of [1, 2, 3]) expect(new Set(await digests(town, epoch)).size).toBe(1)
    const [newest] = town.published[0]!.slice(-1)
    const ids = town.rules.authorities.map(({ signingKey }) => signingKey)
    expect(signersOf(newest!, ids).size).toBeGreaterThanOrEqual(3)
    expect(newest!.consensus.contributions).toHaveLength(4)
  })

  test('go on without one of them, and not without two', async () => {
    const town = new Town(NAMES, 3, makeNodes(4, 1))
    town.wire = (from, to, message) => (from === 3 || to === 3 ? undefined : message)
    await town.run(1)
    expect((await town.consensus(1))!.contributions).toHaveLength(3)
    expect(await town.consensus(1, 3)).toBeUndefined()
    town.wire = (from, to, message) => (from >= 2 || to >= 2 ? undefined : message)
    await town.run(2)
    expect(await digests(town, 2)).toEqual([undefined, undefined, undefined, undefined])
  })

  test('take the consensus of the others after having been away', async () => {
    const town = new Town(NAMES, 3, makeNodes(4, 1))
    town.wire = (from, to, message) => (from === 3 || to === 3 ? undefined : message)
    await town.run(1)
    const message = encodeAuthorityMessage({ tag: 'consensus', body: town.published[0]![0]! })
    expect((await town.authorities[3]!.takeMessage(message)).ok).toBe(true)
    town.wire = (_from, _to, passed) => passed
    await town.run(2)
    expect(new Set(await digests(town, 2)).size).toBe(1)
    expect((await town.consensus(2))!.contributions).toHaveLength(4)
  })

  test('survive lost messages: a vote that reached one of them reaches all', async () => {
    const town = new Town(NAMES, 3, makeNodes(4, 1))
    // The author of each vote reaches only its neighbour directly.
    town.wire = (from, to, message) => {
      const parsed = parseAuthorityMessage(message)
      return parsed.tag === 'vote' && parsed.body.endorsements.length === 0 && to !== (from + 1) % 4
        ? undefined
        : message
    }
    await town.run(1)
    expect(new Set(await digests(town, 1)).size).toBe(1)
    expect((await town.consensus(1))!.contributions).toHaveLength(4)
  })

  test('are not split by one that tells them different things, and keep the evidence', async () => {
    const town = new Town(NAMES, 3, makeNodes(4, 1))
    const liar = authorityKeys('d')
    const other = signVote(
      voteOf(town, liar, { parameters: { ...DEFAULT_PARAMETERS, nodesPerLayer: 200 } }),
      liar.signingSecretKey,
    )
    town.wire = (from, to, message) => {
      const parsed = parseAuthorityMessage(message)
      if (from !== 3 || parsed.tag !== 'vote' || toHex(parsed.body.signed.vote.authority) !== toHex(liar.signingKey))
        return message
      const body = { ...parsed.body, signed: other, endorsements: [] }
      return to === 0 ? message : encodeAuthorityMessage({ tag: 'vote', body })
    }
    await town.run(1)
    const found = (await digests(town, 1)).slice(0, 3)
    expect(new Set(found).size).toBe(1)
    expect(found[0]).toBeDefined()
    expect((await town.consensus(1))!.contributions).toHaveLength(3)
    const [evidence] = await town.stores[1]!.listEvidence(5)
    expect(evidence).toMatchObject({ kind: 'vote', culprit: toHex(liar.signingKey) })
    expect(isSoundEvidence(evidence!)).toBe(true)
  })

  test('take no vote for one that comes in the last round with nobody behind it', async () => {
    const town = new Town(NAMES, 3, makeNodes(3, 1))
    const held: Uint8Array[] = []
    town.wire = (from, _to, message) => {
      if (from !== 3) return message
      held.push(message)
      return undefined
    }
    const { schedule } = town.rules
    const run = town.run(1)
    await run
    expect((await town.consensus(1))!.contributions).toHaveLength(3)
    // Held back from the first round, let go in the second.
    const late = new Town(NAMES, 3, [])
    late.clock.advance(startOf(schedule, 1) - schedule.closeMs - late.clock.now())
    for (const authority of late.authorities) await authority.tick()
    late.clock.advance(schedule.roundMs)
    expect(await late.authorities[0]!.takeMessage(held[0]!)).toEqual({ ok: false, reason: 'late' })
  })

  test('wait for whose clocks are behind: a vote that comes early counts when uploads close here too', async () => {
    const town = new Town(NAMES, 3, makeNodes(3, 1))
    const ahead = new ManualClock(town.clock.now() + 400)
    town.authorities[3] = authorityOf('d', town.rules, ahead, town.stores[3])
    const { schedule } = town.rules
    for (const node of town.nodes)
      for (const authority of town.authorities) await authority.takeDescriptor(node.bytes(1))
    const untilClosed = startOf(schedule, 1) - schedule.closeMs - ahead.now()
    ahead.advance(untilClosed)
    town.clock.advance(untilClosed)
    const { send } = await town.authorities[3].tick()
    expect(await town.authorities[0]!.takeMessage(send[0]!)).toEqual({ ok: true, send: [] })
    expect(await town.authorities[0]!.takeMessage(send[0]!)).toMatchObject({ ok: true })
    expect(await town.authorities[0]!.takeMessage(send[0]!)).toMatchObject({ ok: false })
    town.clock.advance(400)
    const begun = (await town.authorities[0]!.tick()).send.map(parseAuthorityMessage)
    const authors = begun.map((message) => message.tag === 'vote' && toHex(message.body.signed.vote.authority))
    expect(authors).toEqual(['a', 'd'].map((name) => toHex(authorityKeys(name).signingKey)))
  })

  test('give a lying minority no say: its node, measures, parameters and forgeries do not get in', async () => {
    const nodes = makeNodes(4, 1)
    const town = new Town(NAMES, 3, nodes)
    const [liar, stranger] = [authorityKeys('d'), new TestNode('stranger')]
    const lie = signVote(
      voteOf(town, liar, {
        parameters: { ...DEFAULT_PARAMETERS, nodesPerLayer: 1 },
        nodes: [
          { signed: stranger.descriptor(1), measured: { reputation: 1_000, performance: 1_000, stake: 1e12 } },
          { signed: nodes[0]!.descriptor(1), measured: { reputation: 0, performance: 0, stake: 0 } },
          { signed: { ...nodes[1]!.descriptor(1), signature: new Uint8Array(64) }, measured: GOOD_MEASURE },
        ],
      }),
      liar.signingSecretKey,
    )
    town.wire = (from, _to, message) => {
      const parsed = parseAuthorityMessage(message)
      const isOwn = parsed.tag === 'vote' && toHex(parsed.body.signed.vote.authority) === toHex(liar.signingKey)
      return from === 3 && isOwn
        ? encodeAuthorityMessage({ tag: 'vote', body: { ...parsed.body, signed: lie } })
        : message
    }
    await town.run(1)
    const consensus = (await town.consensus(1))!
    expect(consensus.contributions).toHaveLength(4)
    expect(consensus.parameters.nodesPerLayer).toBe(3)
    expect(consensus.nodes).toHaveLength(5)
    expect(consensus.nodes.every(({ measured }) => measured.reputation === GOOD_MEASURE.reputation)).toBe(true)
    expect(verifyLottery(town.rules, consensus)).toEqual([])
  })

  test('count nobody’s endorsement but authorities’, each once', async () => {
    const town = new Town(NAMES, 3, [])
    const { schedule } = town.rules
    town.clock.advance(startOf(schedule, 1) - schedule.closeMs - town.clock.now())
    await town.authorities[0]!.tick()
    town.clock.advance(schedule.roundMs)
    const [author, outsider] = [authorityKeys('d'), authorityKeys('outsider')]
    const signed = signVote(voteOf(town, author, {}), author.signingSecretKey)
    const bare = { kind: 'betanet.vote-message.v1', signed, endorsements: [] } as const
    const take = (body: typeof bare | ReturnType<typeof endorse>) =>
      town.authorities[0]!.takeMessage(encodeAuthorityMessage({ tag: 'vote', body }))
    const by = (name: typeof author) => endorse(bare, name.signingKey, name.signingSecretKey)
    expect(await take(by(outsider))).toEqual({ ok: false, reason: 'not_genuine' })
    expect(await take(by(author))).toEqual({ ok: false, reason: 'not_genuine' })
    expect(
      await take({
        ...by(author),
        endorsements: [{ authority: authorityKeys('b').signingKey, signature: new Uint8Array(64) }],
      }),
    ).toEqual({ ok: false, reason: 'not_genuine' })
    expect((await take(by(authorityKeys('b')))).ok).toBe(true)
    expect(await take(by(authorityKeys('b')))).toEqual({ ok: false, reason: 'known' })
  })
})

test('rules that could split a network, or leave no time, are refused at the start', () => {
  const clock = new ManualClock()
  const rules = rulesOf(NAMES, 3, clock)
  expect(() => authorityOf('a', { ...rules, threshold: 2 }, clock)).toThrow('more than half')
  expect(() => authorityOf('a', { ...rules, threshold: 5 }, clock)).toThrow('more than half')
  const schedule = { ...rules.schedule, roundMs: 3_000 }
  expect(() => authorityOf('a', { ...rules, schedule }, clock)).toThrow('all rounds')
})

function voteOf(town: Town, keys: ReturnType<typeof authorityKeys>, changes: Partial<Vote>): Vote {
  const ground = {
    trust: town.rules,
    schedule: town.rules.schedule,
    epoch: 1,
    previous: undefined,
    revealed: undefined,
  }
  return {
    kind: 'betanet.vote.v1',
    network: town.rules.network,
    epoch: 1,
    authority: keys.signingKey,
    previousDigest: undefined,
    beaconProof: contribute(keys.vrfSecretKey, beaconPlace(ground)),
    parameters: town.rules.parameters,
    nodes: [],
    ...changes,
  }
}
