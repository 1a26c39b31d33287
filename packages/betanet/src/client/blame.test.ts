import { seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { type LoopFate, type LoopOutcome, type NodeSuspicion, suspicions } from './blame.ts'

/** Loops through two gateways and three mixes in each of three layers; `fate` says what each hop makes of one. */
function loops(count: number, fate: (hop: string, chance: number) => LoopFate | undefined): LoopOutcome[] {
  const rng = seededRng(7)
  const pick = (place: string, of: number) => `${place}${Math.floor(rng.next() * of)}`
  return Array.from({ length: count }, () => {
    const hops = [...new Set([pick('g', 2), pick('a', 3), pick('b', 3), pick('c', 3), pick('g', 2)])]
    const fates = hops.map((hop) => fate(hop, rng.next()))
    return { hops, fate: fates.includes('lost') ? 'lost' : fates.includes('late') ? 'late' : 'back' }
  })
}

function bad(nodes: readonly NodeSuspicion[]): string[] {
  return nodes.filter(({ standing }) => standing !== 'good').map(({ nodeId, standing }) => `${nodeId} ${standing}`)
}

describe('loops blame', () => {
  test('whoever drops, holds nearly all back, or delays, and no other', () => {
    expect(bad(suspicions(loops(300, (hop, chance) => (hop === 'b1' && chance < 0.3 ? 'lost' : undefined))))).toEqual([
      'b1 losing',
    ])
    expect(bad(suspicions(loops(300, (hop) => (hop === 'a0' ? 'lost' : undefined))))).toEqual(['a0 blocking'])
    expect(bad(suspicions(loops(300, (hop) => (hop === 'c2' ? 'late' : undefined))))).toEqual(['c2 delaying'])
    expect(bad(suspicions(loops(300, (hop) => (hop === 'g1' ? 'lost' : undefined))))).toEqual(['g1 blocking'])
  })

  test('a dropping and a delaying node each for its own', () => {
    const found = suspicions(
      loops(500, (hop, chance) => (hop === 'a0' ? 'late' : hop === 'c1' && chance < 0.4 ? 'lost' : undefined)),
    )
    expect(bad(found).toSorted()).toEqual(['a0 delaying', 'c1 losing'])
  })

  test('nobody when all fare badly alike: it is the network, or this machine', () => {
    expect(bad(suspicions(loops(400, () => 'lost')))).toEqual([])
    expect(bad(suspicions(loops(400, () => 'late')))).toEqual([])
    expect(bad(suspicions(loops(400, (hop, chance) => (chance < 0.1 ? 'lost' : undefined))))).toEqual([])
  })

  test('nobody by too few loops, nor where there is no way around a node', () => {
    expect(bad(suspicions(loops(15, (hop) => (hop === 'a0' ? 'lost' : undefined))))).not.toContain('a0 blocking')
    const single: LoopOutcome[] = Array.from({ length: 100 }, (_, i) => ({
      hops: ['g', 'a', 'b', 'c'],
      fate: i % 2 === 0 ? 'lost' : 'back',
    }))
    expect(suspicions(single).map(({ standing }) => standing)).toEqual(Array(4).fill('unknown'))
  })
})
