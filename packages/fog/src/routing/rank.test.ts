import { newId, seededRng } from '@fog/kernel'
import type { NodeId } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choose, rank } from './rank.ts'
import { ROUTING_STRATEGIES } from './strategy.ts'
import type { RouteCandidate, RouteRequest } from './strategy.ts'

const rng = seededRng(2)
const IDS = Array.from({ length: 8 }, (_, i): NodeId => newId('node', i * 1_000, rng))
const [A, B, C] = [IDS[0]!, IDS[1]!, IDS[2]!]

const whole = { cpuMilli: 4_000, memoryBytes: 1_000, diskBytes: 1_000 }
const REQUEST: RouteRequest = { wants: { cpuMilli: 1_000, memoryBytes: 10, diskBytes: 0 }, content: [] }

function candidate(nodeId: NodeId, facts: Partial<RouteCandidate> = {}): RouteCandidate {
  return { nodeId, capacity: whole, free: whole, labels: {}, warm: new Set(), circuits: false, ...facts }
}

function order(...of: Parameters<typeof rank>): NodeId[] {
  return rank(...of).ranked.map(({ nodeId }) => nodeId)
}

describe('round_robin', () => {
  test('goes on after the node that had its turn last, in the order of ids, whatever the load', () => {
    const full = { ...whole, cpuMilli: 1_000 }
    const candidates = [candidate(C), candidate(A), candidate(B, { free: full })]
    expect(order('round_robin', candidates, REQUEST)).toEqual([A, B, C])
    expect(order('round_robin', candidates, { ...REQUEST, lastNodeId: A })).toEqual([B, C, A])
    expect(order('round_robin', candidates, { ...REQUEST, lastNodeId: C })).toEqual([A, B, C])
  })

  test('goes on after a node that has left meanwhile', () => {
    expect(order('round_robin', [candidate(A), candidate(C)], { ...REQUEST, lastNodeId: B })).toEqual([C, A])
  })

  test('gives every node its turn: counts differ by at most one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: IDS.length }), fc.nat(200), fc.nat(), (nodes, placements, seed) => {
        const chance = seededRng(seed)
        const candidates = IDS.slice(0, nodes).map((nodeId) => candidate(nodeId))
        const counts = new Map(candidates.map(({ nodeId }) => [nodeId, 0]))
        let lastNodeId: NodeId | undefined
        for (let i = 0; i < placements; i++) {
          const shuffled = [...candidates].sort(() => chance.next() - 0.5)
          lastNodeId = choose('round_robin', shuffled, { ...REQUEST, lastNodeId })!.nodeId
          counts.set(lastNodeId, counts.get(lastNodeId)! + 1)
        }
        expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('least_loaded', () => {
  test('counts the fullest resource of each node, with the task on it', () => {
    const busyCpu = candidate(A, { free: { ...whole, cpuMilli: 2_000 } })
    const busyMemory = candidate(B, { free: { ...whole, memoryBytes: 100 } })
    const idle = candidate(C)
    const ranking = rank('least_loaded', [busyMemory, busyCpu, idle], REQUEST)
    expect(ranking.ranked).toEqual([idle, busyCpu, busyMemory])
    expect(ranking.reasonFor(idle)).toBe('25 % full with this task')
  })

  test('prefers a large node, which the same task fills less', () => {
    const large = candidate(B, { capacity: { ...whole, cpuMilli: 64_000 }, free: { ...whole, cpuMilli: 48_000 } })
    const small = candidate(A, { capacity: { ...whole, cpuMilli: 1_000 }, free: { ...whole, cpuMilli: 1_000 } })
    expect(order('least_loaded', [small, large], REQUEST)).toEqual([B, A])
  })
})

describe('affinity_based', () => {
  const content = [
    { digest: 'program', size: 100 },
    { digest: 'input', size: 900 },
  ]

  test('prefers the node with the fewest bytes to fetch', () => {
    const program = candidate(A, { warm: new Set(['program']) })
    const input = candidate(B, { warm: new Set(['input']), free: { ...whole, cpuMilli: 1_000 } })
    const both = candidate(C, { warm: new Set(['input', 'program', 'more']), free: { ...whole, cpuMilli: 1_000 } })
    const ranking = rank('affinity_based', [program, input, both], { ...REQUEST, content })
    expect(ranking.ranked).toEqual([both, input, program])
    expect(ranking.reasonFor(both)).toBe('it has the program and all inputs')
    expect(ranking.reasonFor(input)).toBe('100 of 1000 bytes are still to be fetched')
  })

  test('is the least loaded where no node has anything, and says so', () => {
    const busy = candidate(A, { free: { ...whole, cpuMilli: 2_000 } })
    const ranking = rank('affinity_based', [busy, candidate(B)], { ...REQUEST, content })
    expect(ranking.ranked.map(({ nodeId }) => nodeId)).toEqual([B, A])
    expect(ranking.reasonFor(busy)).toBe('it has none of the content; 75 % full with this task')
  })
})

describe('proximity_based', () => {
  test('prefers the shortest measured round trip; unmeasured nodes come last', () => {
    const candidates = [candidate(A), candidate(B, { latencyMs: 80 }), candidate(C, { latencyMs: 12 })]
    expect(order('proximity_based', candidates, REQUEST)).toEqual([C, B, A])
  })

  test('prefers the asked region to any round trip', () => {
    const far = candidate(A, { latencyMs: 1, labels: { region: 'us' } })
    const near = candidate(B, { latencyMs: 60, labels: { region: 'eu' } })
    const unmeasured = candidate(C, { labels: { region: 'eu' } })
    const ranking = rank('proximity_based', [far, unmeasured, near], { ...REQUEST, region: 'eu' })
    expect(ranking.ranked).toEqual([near, unmeasured, far])
    expect(ranking.ranked.map((each) => ranking.reasonFor(each))).toEqual([
      'in eu, round trip 60.0 ms',
      'in eu, round trip not measured yet',
      'in us, round trip 1.0 ms',
    ])
  })

  test('lets the load decide between round trips that differ by noise', () => {
    const busy = candidate(A, { latencyMs: 11, free: { ...whole, cpuMilli: 2_000 } })
    expect(order('proximity_based', [busy, candidate(B, { latencyMs: 13 })], REQUEST)).toEqual([B, A])
  })
})

describe('privacy_aware', () => {
  const reachable = { circuits: true, networkPrefix: '203.0.113.0/24' }
  const request = { ...REQUEST, submitterNetwork: '198.51.100.0/24' }

  test('takes only nodes reachable through circuits, in another network than the submitter', () => {
    const good = candidate(A, reachable)
    const ranking = rank(
      'privacy_aware',
      [
        candidate(B),
        candidate(C, { ...reachable, networkPrefix: '198.51.100.0/24' }),
        candidate(IDS[3]!, { ...reachable, networkPrefix: undefined }),
        good,
      ],
      request,
    )
    expect(ranking.ranked).toEqual([good])
    expect(ranking.refused.map(({ reason }) => reason)).toEqual([
      'it is reached neither through the mixnet nor through circuits',
      "it is in the submitter's own network",
      'its network is not known',
    ])
    expect(ranking.reasonFor(good)).toBe('reached through circuits, 25 % full with this task')
  })

  test('puts nodes behind the mixnet first, wherever they are, and the least loaded of them before the others', () => {
    const busy = candidate(B, { reach: 'mixnet', free: { ...whole, cpuMilli: 1_000 } })
    const idle = candidate(C, { reach: 'mixnet' })
    const ranking = rank('privacy_aware', [candidate(A, reachable), busy, idle], request)
    expect(ranking.ranked.map(({ nodeId }) => nodeId)).toEqual([C, B, A])
    expect(ranking.reasonFor(idle)).toBe('reached through the mixnet, 25 % full with this task')
    expect(rank('privacy_aware', [busy], REQUEST).ranked).toEqual([busy])
  })

  test('refuses all where the network to avoid is not known', () => {
    const { ranked, refused } = rank('privacy_aware', [candidate(A, reachable)], REQUEST)
    expect(ranked).toEqual([])
    expect(refused[0]?.reason).toContain('not known')
    expect(choose('privacy_aware', [candidate(A, reachable)], REQUEST)).toBeUndefined()
  })
})

describe.each(ROUTING_STRATEGIES)('%s', (strategy) => {
  const resources = fc.record({ cpuMilli: fc.nat(4_000), memoryBytes: fc.nat(1_000), diskBytes: fc.nat(1_000) })
  const candidates = fc.uniqueArray(
    fc.record({
      nodeId: fc.constantFrom(...IDS),
      capacity: fc.constant(whole),
      free: resources,
      latencyMs: fc.option(fc.nat(200), { nil: undefined }),
      labels: fc.constantFrom({}, { region: 'eu' }, { region: 'us' }),
      warm: fc.uniqueArray(fc.constantFrom('p', 'q', 'r')).map((digests) => new Set(digests)),
      networkPrefix: fc.constantFrom('n', 'm', undefined),
      circuits: fc.boolean(),
    }),
    { selector: ({ nodeId }) => nodeId },
  )
  const requests = fc.record({
    wants: resources,
    content: fc.constantFrom(
      [],
      [
        { digest: 'p', size: 5 },
        { digest: 'q', size: 9 },
      ],
    ),
    region: fc.constantFrom('eu', undefined),
    submitterNetwork: fc.constantFrom('n', undefined),
    lastNodeId: fc.constantFrom(...IDS, undefined),
  })

  test('ranks or refuses each candidate once, in the same order however they come, and chooses the first', () => {
    fc.assert(
      fc.property(candidates, requests, (candidates, request) => {
        const { ranked, refused } = rank(strategy, candidates, request)
        const seen = [...ranked, ...refused.map(({ candidate }) => candidate)]
        expect(new Set(seen)).toEqual(new Set(candidates))
        expect(seen).toHaveLength(candidates.length)
        expect(rank(strategy, [...candidates].reverse(), request).ranked).toEqual(ranked)
        expect(choose(strategy, candidates, request)).toBe(ranked[0])
      }),
    )
  })
})
