import { fromHex, ManualClock, seededRng, toHex } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../vectors/lottery.json' with { type: 'json' }
import { aggregate } from '../directory/aggregate.ts'
import { contribute } from '../directory/beacon.ts'
import { beaconPlace } from '../directory/aggregate.ts'
import type { Consensus, NodeMeasure } from '../directory/consensus.ts'
import { signVote } from '../directory/vote.ts'
import { authorityKeys, GOOD_MEASURE, makeNodes, rulesOf, seedOf, type TestNode } from '../testing/directory-network.ts'
import { drawLayers, drawOrder } from './draw.ts'
import { PathChooser, pathWeights } from './path.ts'
import { verifyLottery } from './verify.ts'
import { lotteryWeight, MOST_WEIGHT, nextFaults, stakeBonus } from './weight.ts'

const rules = { ...rulesOf(['a'], 1, new ManualClock()) }

interface Wish {
  readonly measure?: (node: TestNode, i: number) => NodeMeasure
  readonly changes?: (node: TestNode, i: number) => Parameters<TestNode['descriptor']>[2]
  readonly nodesPerLayer?: number
  readonly distinctOperators?: 'required' | 'preferred'
}

/** The first consensus of a network with these nodes. */
function consensusOf(nodes: readonly TestNode[], wish: Wish = {}): Consensus {
  const keys = authorityKeys('a')
  const ground = { trust: rules, schedule: rules.schedule, epoch: 1, previous: undefined, revealed: undefined }
  const { nodesPerLayer = 64, distinctOperators = 'preferred' } = wish
  const vote = {
    kind: 'betanet.vote.v1',
    network: rules.network,
    epoch: 1,
    authority: keys.signingKey,
    previousDigest: undefined,
    beaconProof: contribute(keys.vrfSecretKey, beaconPlace(ground)),
    parameters: { ...rules.parameters, nodesPerLayer, distinctOperators },
    nodes: nodes.map((node, i) => ({
      signed: node.descriptor(1, undefined, wish.changes?.(node, i)),
      measured: wish.measure?.(node, i) ?? GOOD_MEASURE,
    })),
  } as const
  const outcome = aggregate(ground, [signVote(vote, keys.signingSecretKey)])
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.consensus
}

/** The chi-square statistic of counts against expected shares. */
function chiSquare(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.reduce((sum, count, i) => sum + (count - total * shares[i]!) ** 2 / (total * shares[i]!), 0)
}

describe('the weight', () => {
  test('is what the formula says', () => {
    expect(lotteryWeight({ reputation: 1_000, performance: 1_000, stake: 10_000, faults: 0 })).toBe(MOST_WEIGHT)
    expect(lotteryWeight({ reputation: 1_000, performance: 1_000, stake: 0, faults: 0 })).toBe(1_000_000)
    expect(lotteryWeight({ reputation: 500, performance: 980, stake: 2_500, faults: 1 })).toBe(337_500)
    expect([0, 1, 99, 100, 2_500, 10_000, 1e12].map(stakeBonus)).toEqual([0, 10, 99, 100, 500, 1_000, 1_000])
  })

  test('is nothing without reputation, with a fifth of packets lost, or with eight faults, whatever the stake', () => {
    const good = { reputation: 1_000, performance: 1_000, stake: 1e12, faults: 0 }
    for (const bad of [{ reputation: 0 }, { performance: 800 }, { performance: 0 }, { faults: 8 }])
      expect(lotteryWeight({ ...good, ...bad })).toBe(0)
  })

  test('grows with each good thing, falls with each bad one, and stake at most doubles it', () => {
    const permille = fc.integer({ min: 0, max: 1_000 })
    fc.assert(
      fc.property(permille, permille, fc.nat(20_000), fc.nat(8), (reputation, performance, stake, faults) => {
        const standing = { reputation, performance, stake, faults }
        const weight = lotteryWeight(standing)
        expect(lotteryWeight({ ...standing, reputation: Math.min(1_000, reputation + 10) })).toBeGreaterThanOrEqual(
          weight,
        )
        expect(lotteryWeight({ ...standing, performance: Math.max(0, performance - 10) })).toBeLessThanOrEqual(weight)
        expect(lotteryWeight({ ...standing, faults: faults + 1 })).toBeLessThanOrEqual(weight)
        expect(weight).toBeLessThanOrEqual(2 * lotteryWeight({ ...standing, stake: 0 }) + 1)
        expect(Number.isInteger(weight) && weight >= 0 && weight <= MOST_WEIGHT).toBe(true)
      }),
    )
  })

  test('comes back slowly after missing reveals', () => {
    expect([nextFaults(0, 'missing'), nextFaults(3, 'valid'), nextFaults(0, 'valid'), nextFaults(2, 'none')]).toEqual([
      1, 2, 0, 2,
    ])
    expect([nextFaults(1, 'wrong'), nextFaults(8, 'missing')]).toEqual([8, 8])
  })
})

test('the published weights, draws and seats come out', () => {
  for (const { weight, ...standing } of vectors.weights) expect(lotteryWeight(standing)).toBe(weight)
  for (const { candidates, order, layers, nodesPerLayer, epoch, ...draw } of vectors.draws) {
    const all = candidates.map(({ id, weight }) => ({ id: fromHex(id)!, weight }))
    const place = { beacon: fromHex(draw.beacon)!, epoch }
    expect(drawOrder(place, all).map((one) => all.indexOf(one))).toEqual(order)
    const seats = drawLayers(place, all, { layers: 3, nodesPerLayer })
    expect(candidates.map(({ id }) => seats.get(id) ?? null)).toEqual(layers)
  }
})

describe('the draw', () => {
  const candidates = [1, 2, 3, 4, 10].map((weight, i) => ({ id: seedOf(`candidate ${i}`), weight }))
  const beacons = (count: number) => Array.from({ length: count }, (_, i) => seedOf(`beacon ${i}`))

  test('gives the first seat to each with its share of the weight', () => {
    const counts = candidates.map(() => 0)
    for (const beacon of beacons(8_000))
      counts[candidates.indexOf(drawOrder({ beacon, epoch: 5 }, candidates)[0]!)]! += 1
    // 4 degrees of freedom: 18.5 is passed once in a thousand.
    expect(chiSquare(counts, [0.05, 0.1, 0.15, 0.2, 0.5])).toBeLessThan(18.5)
    expect(chiSquare(counts, [0.2, 0.2, 0.2, 0.2, 0.2])).toBeGreaterThan(1_000)
  })

  test('gives the second seat to each with its share in what is left', () => {
    const three = candidates.slice(0, 3)
    const counts = new Map<string, number>()
    for (const beacon of beacons(6_000)) {
      const order = drawOrder({ beacon, epoch: 9 }, three).map((one) => three.indexOf(one))
      counts.set(order.join(''), (counts.get(order.join('')) ?? 0) + 1)
    }
    // Weights 1, 2, 3: the chance of the order a, b, c is a / 6 x b / (6 - a).
    const orders = ['012', '021', '102', '120', '201', '210']
    const shares = orders.map((order) => {
      const [a, b] = [1 + Number(order[0]), 1 + Number(order[1])]
      return (a / 6) * (b / (6 - a))
    })
    expect(
      chiSquare(
        orders.map((order) => counts.get(order) ?? 0),
        shares,
      ),
    ).toBeLessThan(20.5)
  })

  test('does not depend on the order of the candidates, nor one ticket on others, and differs with beacon and epoch', () => {
    const draw = { beacon: seedOf('beacon'), epoch: 3 }
    const many = Array.from({ length: 40 }, (_, i) => ({ id: seedOf(`many ${i}`), weight: 1 + (i % 7) }))
    const order = drawOrder(draw, many)
    expect(drawOrder(draw, many.toReversed())).toEqual(order)
    expect(
      drawOrder(
        draw,
        many.filter((one) => one !== order[3]),
      ),
    ).toEqual(order.filter((one) => one !== order[3]))
    expect(drawOrder({ ...draw, epoch: 4 }, many)).not.toEqual(order)
    expect(drawOrder({ ...draw, beacon: seedOf('another') }, many)).not.toEqual(order)
  })

  test('is the same on every machine', () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ id: seedOf(`many ${i}`), weight: 1 + i * i }))
    const layers = drawLayers({ beacon: seedOf('beacon'), epoch: 3 }, many, { layers: 3, nodesPerLayer: 3 })
    const places = many.map(({ id }) => layers.get(toHex(id)) ?? '-').join('')
    expect(places).toBe('--1-02212010')
  })

  test('leaves nobody without weight a seat, fills no layer beyond its seats, and none stays empty', () => {
    const weights = fc.array(fc.nat(2_000_000), { maxLength: 40 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 6 }), fc.nat(), (list, nodesPerLayer, epoch) => {
        const all = list.map((weight, i) => ({ id: seedOf(`prop ${i}`), weight }))
        const layers = drawLayers({ beacon: seedOf('p'), epoch }, all, { layers: 3, nodesPerLayer })
        const counts = [0, 1, 2].map((layer) => [...layers.values()].filter((found) => found === layer).length)
        const able = all.filter(({ weight }) => weight > 0).length
        expect(layers.size).toBe(Math.min(able, 3 * nodesPerLayer))
        expect(Math.max(...counts)).toBeLessThanOrEqual(nodesPerLayer)
        expect(able < 3 || Math.min(...counts) > 0).toBe(true)
        expect(all.every(({ id, weight }) => weight > 0 || !layers.has(toHex(id)))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('puts a node into each layer equally often: nobody picks its own', () => {
    const many = Array.from({ length: 6 }, (_, i) => ({ id: seedOf(`fair ${i}`), weight: 100 }))
    const counts = [0, 0, 0]
    for (const beacon of beacons(3_000)) {
      counts[drawLayers({ beacon, epoch: 1 }, many, { layers: 3, nodesPerLayer: 2 }).get(toHex(many[0]!.id))!]! += 1
    }
    expect(chiSquare(counts, [1 / 3, 1 / 3, 1 / 3])).toBeLessThan(13.8)
  })
})

describe('verifyLottery', () => {
  const consensus = consensusOf(makeNodes(7, 2), { nodesPerLayer: 2 })

  test('finds nothing wrong with an honest consensus', () => {
    expect(verifyLottery(rules, consensus)).toEqual([])
  })

  test('finds every node that was seated, weighed or let in by hand, and every beacon that was chosen', () => {
    const swap = (change: (node: Consensus['nodes'][number], i: number) => Consensus['nodes'][number]) =>
      verifyLottery(rules, { ...consensus, nodes: consensus.nodes.map(change) })
    const reserve = consensus.nodes.findIndex(({ place }) => place === 'reserve')
    expect(swap((node, i) => (i === reserve ? { ...node, place: 0 } : node))).toEqual(['place_does_not_follow'])
    expect(swap((node, i) => (i === 0 ? { ...node, weight: node.weight + 1 } : node))).toContain(
      'weight_does_not_follow',
    )
    expect(swap((node, i) => (i === 0 ? { ...node, measured: { ...node.measured, stake: 10_000 } } : node))).toContain(
      'weight_does_not_follow',
    )
    const stolen = { ...consensus.nodes[0]!.signed, signature: consensus.nodes[1]!.signed.signature }
    expect(swap((node, i) => (i === 0 ? { ...node, signed: stolen } : node))).toEqual(['descriptor_not_genuine'])
    expect(verifyLottery(rules, { ...consensus, nodes: consensus.nodes.toReversed() })).toContain('nodes_out_of_order')
    expect(verifyLottery(rules, { ...consensus, nodes: [consensus.nodes[0]!, ...consensus.nodes] })).toContain(
      'nodes_out_of_order',
    )
    expect(verifyLottery(rules, { ...consensus, beacon: seedOf('chosen') })).toContain('beacon_does_not_follow')
    expect(verifyLottery(rules, { ...consensus, previousBeacon: seedOf('chosen') })).toContain(
      'contribution_not_genuine',
    )
    expect(
      verifyLottery(rules, { ...consensus, contributions: [...consensus.contributions, ...consensus.contributions] }),
    ).toContain('contribution_not_genuine')
  })
})

describe('PathChooser', () => {
  const rng = seededRng(42)
  const names = (consensus: Consensus, paths: number) => {
    const chooser = new PathChooser(consensus)
    return Array.from({ length: paths }, () => {
      const outcome = chooser.choose({ epoch: 1 }, rng)
      return outcome.ok ? outcome.hops.map(({ nodeId }) => toHex(nodeId)) : []
    })
  }

  test('goes from a gateway through all layers to another gateway, with no node and no operator twice', () => {
    const chooser = new PathChooser(consensusOf(makeNodes(12, 4)))
    for (let i = 0; i < 100; i++) {
      const outcome = chooser.choose({ epoch: 1 + (i % 2) }, rng)
      const hops = outcome.ok ? outcome.hops : []
      expect(hops.map(({ place }) => place)).toEqual(['gateway', 0, 1, 2, 'gateway'])
      expect(new Set(hops.map(({ node }) => node.signed.descriptor.operator)).size).toBe(5)
      const { sphinxKey, nextSphinxKey } = hops[0]!.node.signed.descriptor
      expect(hops[0]!.sphinxKey).toEqual(i % 2 === 0 ? sphinxKey : nextSphinxKey)
    }
    expect(() => chooser.choose({ epoch: 3 }, rng)).toThrow('two epochs')
  })

  test('takes nodes by their share of weight and bandwidth', () => {
    const reputations = [1_000, 500, 250, 1_000]
    const consensus = consensusOf(makeNodes(12, 4), {
      measure: (_, i) => ({ ...GOOD_MEASURE, reputation: reputations[i % 4]! }),
      changes: (_, i) => ({ packetsPerSecond: i % 3 === 0 ? 20_000 : 10_000 }),
    })
    for (const layer of [0, 1, 2]) {
      const nodes = consensus.nodes.filter(({ place }) => place === layer)
      const weights = pathWeights(nodes).map(Number)
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const taken = names(consensus, 3_000).map((path) => path[1 + layer])
      const counts = nodes.map(({ signed }) => taken.filter((id) => id === toHex(signed.descriptor.identityKey)).length)
      expect(
        chiSquare(
          counts,
          weights.map((weight) => weight / total),
        ),
      ).toBeLessThan(21.1)
    }
  })

  test('does not believe a bandwidth beyond four times the median', () => {
    const consensus = consensusOf(makeNodes(9, 2), {
      changes: (_, i) => ({ packetsPerSecond: i === 0 ? 10_000_000 : 1_000 }),
    })
    const layer = consensus.nodes.filter(
      ({ signed, place }) => place !== 'gateway' && signed.descriptor.packetsPerSecond > 1_000,
    )[0]!.place
    const weights = pathWeights(consensus.nodes.filter(({ place }) => place === layer)).map(Number)
    expect(Math.max(...weights) / Math.min(...weights)).toBe(4)
  })

  test('keeps the gateways it is given, even of one operator or without weight, and knows when they are not there', () => {
    const consensus = consensusOf(makeNodes(6, 2))
    const chooser = new PathChooser(consensus)
    const [gateway, other] = consensus.nodes
      .filter(({ place }) => place === 'gateway')
      .map(({ signed }) => signed.descriptor.identityKey)
    const outcome = chooser.choose({ epoch: 1, entry: gateway!, exit: gateway! }, rng)
    expect(outcome.ok && [outcome.hops[0]!.nodeId, outcome.hops[4]!.nodeId]).toEqual([gateway, gateway])
    const from = chooser.choose({ epoch: 1, exit: gateway! }, rng)
    expect(from.ok && from.hops[0]!.nodeId).toEqual(other)
    expect(chooser.choose({ epoch: 1, entry: seedOf('nobody') }, rng)).toMatchObject({
      ok: false,
      reason: 'unknown_gateway',
    })
  })

  test('says when there is no path', () => {
    expect(new PathChooser(consensusOf(makeNodes(2, 2))).choose({ epoch: 1 }, rng)).toMatchObject({
      ok: false,
      reason: 'no_node',
    })
    const one = { changes: () => ({ operator: 'one' }) }
    const strict = consensusOf(makeNodes(6, 2), { ...one, distinctOperators: 'required' })
    expect(new PathChooser(strict).choose({ epoch: 1 }, rng)).toEqual({
      ok: false,
      reason: 'too_few_operators',
      place: 'gateway',
    })
    expect(new PathChooser(consensusOf(makeNodes(6, 2), one)).choose({ epoch: 1 }, rng).ok).toBe(true)
  })
})
