import { seededRng, toHex } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import type { Consensus, ConsensusNode } from '../directory/index.ts'
import { GOOD_MEASURE, TestNode } from '../testing/directory-network.ts'
import { homeGateways } from './home-gateways.ts'

function listed(name: string, place: ConsensusNode['place'] = 'gateway'): ConsensusNode {
  const signed = new TestNode(name, place === 'gateway' ? 'gateway' : 'mix').descriptor(1)
  return { signed, measured: GOOD_MEASURE, reveal: 'none', faults: 0, weight: 1_000, place }
}

const ALL = Array.from({ length: 6 }, (_, i) => listed(`home-${i}`))
const rng = seededRng(1)
const PEERS = Array.from({ length: 300 }, () => rng.bytes(32))

function homes(nodes: Consensus['nodes'], peer: Uint8Array): string[] {
  return homeGateways({ nodes }, peer).map(({ signed }) => toHex(signed.descriptor.identityKey))
}

const idOf = ({ signed }: ConsensusNode) => toHex(signed.descriptor.identityKey)

describe('home gateways', () => {
  test('are two, the same for everyone, in whatever order the gateways are listed', () => {
    for (const peer of PEERS) {
      const found = homes(ALL, peer)
      expect(new Set(found).size).toBe(2)
      expect(homes(ALL.toReversed(), peer)).toEqual(found)
    }
  })

  test('are gateways only, and fewer where there are fewer', () => {
    const [first] = ALL
    expect(homes([listed('mix', 1), listed('reserve', 'reserve'), first!], PEERS[0]!)).toEqual([idOf(first!)])
    expect(homes([], PEERS[0]!)).toEqual([])
  })

  test('spread peers over all gateways', () => {
    const counts = Map.groupBy(PEERS, (peer) => homes(ALL, peer)[0]!)
    expect(counts.size).toBe(6)
    for (const group of counts.values()) expect(Math.abs(group.length - 50)).toBeLessThan(30)
  })

  test('stay as they are for all but the peers of a gateway that goes', () => {
    const gone = idOf(ALL[2]!)
    const others = ALL.filter((node) => idOf(node) !== gone)
    for (const peer of PEERS) {
      const before = homes(ALL, peer)
      const after = homes(others, peer)
      // Who stays keeps its place before the one that came up.
      expect(after.filter((id) => before.includes(id))).toEqual(before.filter((id) => id !== gone))
      expect(before.includes(gone) || after.join() === before.join()).toBe(true)
    }
  })

  test('change for about a share of the peers when a gateway comes, and only to it', () => {
    const more = [...ALL, listed('home-new')]
    const moved = PEERS.filter((peer) => homes(more, peer)[0] !== homes(ALL, peer)[0])
    for (const peer of moved) expect(homes(more, peer)[0]).toBe(idOf(more.at(-1)!))
    expect(Math.abs(moved.length - 300 / 7)).toBeLessThan(30)
  })
})
