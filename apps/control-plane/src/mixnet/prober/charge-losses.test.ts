import { seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { type LossyNetwork, lossyLoops } from '../testing/lossy-ways.ts'
import { chargeLosses } from './charge-losses.ts'
import { estimateLosses } from './estimate-losses.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
const NINE: LossyNetwork = { gateways: 3, layers: [3, 3, 3] }

function rates(network: LossyNetwork, seed: number, loops = 3_600): Map<string, number> {
  const charges = chargeLosses(lossyLoops(network, loops, seededRng(seed)))
  return new Map([...charges].map(([node, { lossRate }]) => [node, lossRate]))
}

function worstBut(found: ReadonlyMap<string, number>, ...but: readonly string[]): number {
  return Math.max(...[...found].filter(([node]) => !but.includes(node)).map(([, rate]) => rate))
}

describe('of an hour of loops', () => {
  test.each(SEEDS)('nodes that lose nothing, a twentieth and a third are told apart (seed %i)', (seed) => {
    const found = rates({ ...NINE, drops: { a0: 0.3, b1: 0.05 } }, seed)
    // Some 1,200 loops each: three standard errors are 0.04 at 0.3 and 0.02 at 0.05.
    expect(found.get('a0')).toBeGreaterThan(0.26)
    expect(found.get('a0')).toBeLessThan(0.34)
    expect(found.get('b1')).toBeGreaterThan(0.025)
    expect(found.get('b1')).toBeLessThan(0.075)
    expect(worstBut(found, 'a0', 'b1')).toBeLessThan(0.01)
  })

  test.each(SEEDS)('a gateway is found though it may be both ends of a way (seed %i)', (seed) => {
    const found = rates({ ...NINE, drops: { g1: 0.3 } }, seed)
    expect(found.get('g1')).toBeGreaterThan(0.26)
    expect(found.get('g1')).toBeLessThan(0.34)
    expect(worstBut(found, 'g1')).toBeLessThan(0.01)
  })

  test.each(SEEDS)('what every way loses is hardly laid at any door (seed %i)', (seed) => {
    const found = rates({ ...NINE, drops: { a0: 0.3 }, common: 0.02 }, seed)
    expect(found.get('a0')).toBeGreaterThan(0.25)
    expect(worstBut(found, 'a0')).toBeLessThan(0.04)
  })

  test('a node that drops everything is found out at once', () => {
    const found = rates({ ...NINE, drops: { b2: 1 } }, 1, 120)
    expect(found.get('b2')).toBeGreaterThan(0.95)
    expect(worstBut(found, 'b2')).toBeLessThan(0.01)
  })

  test('when nothing comes back no node is charged: it is as likely the network, or who measures', () => {
    expect(worstBut(rates({ ...NINE, common: 1 }, 1))).toBe(0)
  })

  test('a layer of one mix cannot be told from what all ways lose', () => {
    const network: LossyNetwork = { gateways: 2, layers: [1, 2, 2], drops: { a0: 0.3 } }
    expect(worstBut(rates(network, 1))).toBeLessThan(0.08)
    expect(estimateLosses(lossyLoops(network, 3_600, seededRng(1))).commonRate).toBeGreaterThan(0.2)
  })

  test('in a great network the worst is found among hundreds', () => {
    const found = rates({ gateways: 16, layers: [64, 64, 64], drops: { a7: 0.3 }, common: 0.005 }, 1)
    expect([...found].toSorted(([, x], [, y]) => y - x)[0]![0]).toBe('a7')
  })
})

describe('a node that drops what goes to another, to have it blamed,', () => {
  // By the estimate alone the victim, which has a twentieth of the traffic, would be charged with 45 %.
  const framing: LossyNetwork = {
    gateways: 3,
    layers: [2, 10, 10],
    liar: (hops) => hops[1] === 'a0' && hops[2] === 'b3',
  }

  test.each(SEEDS)('pays itself what its victim pays (seed %i)', (seed) => {
    const found = rates(framing, seed)
    expect(found.get('b3')).toBeLessThan(0.08)
    expect(found.get('a0')).toBeGreaterThan(found.get('b3')! * 0.9)
    expect(worstBut(found, 'a0', 'b3')).toBeLessThan(0.01)
  })

  test('would have been believed by the estimate alone', () => {
    const { nodes } = estimateLosses(lossyLoops(framing, 3_600, seededRng(1)))
    expect(nodes.get('b3')!.lossRate).toBeGreaterThan(0.3)
    expect(nodes.get('a0')!.lossRate).toBeLessThan(0.05)
  })

  test.each(SEEDS)('pays as much with others: together all that they take from it (seed %i)', (seed) => {
    const isLiar = (hop: string) => /^a[0-4]$/.test(hop)
    const found = rates(
      { gateways: 3, layers: [10, 10, 10], liar: (hops) => isLiar(hops[1]!) && hops[2] === 'b3' },
      seed,
    )
    const paid = [...found].reduce((sum, [node, rate]) => (isLiar(node) ? sum + rate : sum), 0)
    expect(found.get('b3')).toBeLessThan(paid * 1.1)
    expect(found.get('b3')).toBeLessThan(0.3)
  })

  test('does not get away with choosing: who drops for half of its neighbours is out of the lottery', () => {
    const found = rates({ gateways: 3, layers: [10, 10, 10], liar: (hops) => hops[1] === 'a0' && hops[2]! < 'b5' }, 1)
    expect(found.get('a0')).toBeGreaterThan(0.2)
    expect(worstBut(found, 'a0')).toBeLessThan(0.08)
  })
})
