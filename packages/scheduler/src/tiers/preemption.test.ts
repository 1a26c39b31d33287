import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView } from '../node-view.ts'
import { Fixtures, GIB, START } from '../testing/index.ts'
import { type Tier, TIER_TERMS, TIERS } from '../tier.ts'
import { choosePreemptions, mayPreempt, type Occupant } from './preemption.ts'

const some = new Fixtures(4)
const NOW = START + 60_000
const context = { now: NOW, limit: 100 }

function node(freeCores: number, part: Partial<NodeView> = {}): NodeView {
  const room = { memoryBytes: 8 * GIB, diskBytes: 8 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name: 'a node',
    kinds: ['wasm'],
    capacity: { ...room, cpuMilli: 4_000 },
    free: { ...room, cpuMilli: freeCores * 1_000 },
    slots: 8,
    latencyMs: 5,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

function on({ nodeId }: NodeView, tier: Tier, part: Partial<Occupant> = {}): Occupant {
  return {
    attemptId: some.id('attempt'),
    taskId: some.id('task'),
    nodeId,
    tier,
    room: { cpuMilli: 1_000, memoryBytes: 0, diskBytes: 0 },
    unsavedSince: NOW - 10_000,
    keepsState: false,
    isYielding: false,
    ...part,
  }
}

function claim(tier: Tier, cores = 1, quorum = 1): QueuedTask {
  const base = some.spec()
  const limits = { ...base.limits, cpuMilli: cores * 1_000, memoryBytes: 1, diskBytes: 1 }
  const spec = some.spec({ tier, limits, verification: { quorum, spotCheckBasisPoints: 0 } })
  const { job, tasks } = some.job({ spec })
  return { task: tasks[0]!, job, attempts: [] }
}

const victims = (...given: Parameters<typeof choosePreemptions>) =>
  choosePreemptions(...given).map(({ occupant }) => occupant)

describe('who has to make room', () => {
  test('platinum takes from silver and bronze, gold from bronze, nobody else from anybody', () => {
    const full = node(0)
    const taken = (tier: Tier, from: Tier) => victims([claim(tier)], [full], [on(full, from)], context).length
    for (const tier of TIERS) {
      for (const from of TIERS) expect(taken(tier, from)).toBe(TIER_TERMS[tier].preempts.includes(from) ? 1 : 0)
    }
  })

  test('is the lowest tier, then the fewest, then the least work lost', () => {
    const [first, second] = [node(0), node(0)]
    const silver = on(first, 'silver', { room: { cpuMilli: 2_000, memoryBytes: 0, diskBytes: 0 } })
    const bronze = [on(second, 'bronze'), on(second, 'bronze')]
    expect(new Set(victims([claim('platinum', 2)], [first, second], [silver, ...bronze], context))).toEqual(
      new Set(bronze),
    )
    const large = on(first, 'bronze', { room: { cpuMilli: 2_000, memoryBytes: 0, diskBytes: 0 } })
    expect(victims([claim('platinum', 2)], [first, second], [large, ...bronze], context)).toEqual([large])
    const newest = on(first, 'bronze', { unsavedSince: NOW - 10 })
    expect(victims([claim('platinum')], [first, second], [on(first, 'bronze'), newest, ...bronze], context)).toEqual([
      newest,
    ])
    const kept = on(second, 'bronze', { unsavedSince: START, keepsState: true })
    expect(victims([claim('platinum')], [first, second], [newest, kept], context)).toEqual([kept])
  })

  test('is nobody where there is room, and nobody who is not needed', () => {
    const roomy = node(1)
    const full = node(0)
    expect(victims([claim('platinum')], [full, roomy], [on(full, 'bronze')], context)).toEqual([])
    const small = on(full, 'bronze', { unsavedSince: NOW - 1 })
    const large = on(full, 'bronze', { room: { cpuMilli: 2_000, memoryBytes: 0, diskBytes: 0 } })
    expect(victims([claim('platinum', 2)], [full], [small, large], context)).toEqual([large])
  })

  test('who was asked already is waited for, not joined by another', () => {
    const full = node(0)
    const asked = on(full, 'silver', { isYielding: true })
    expect(victims([claim('platinum')], [full], [on(full, 'bronze'), asked], context)).toEqual([asked])
  })

  test('a task is served whole: both replicas in two domains, or none', () => {
    const [first, second] = [node(0), node(0)]
    const both = [on(first, 'bronze'), on(second, 'silver')]
    expect(new Set(victims([claim('platinum', 1, 2)], [first, second], both, context))).toEqual(new Set(both))
    expect(victims([claim('platinum', 1, 2)], [first], [on(first, 'bronze'), on(first, 'bronze')], context)).toEqual([])
    const labels = { domain: 'cellar' }
    const together = [node(0, { labels }), node(0, { labels })]
    const there = together.map((each) => on(each, 'bronze'))
    expect(victims([claim('platinum', 1, 2)], together, there, context)).toEqual([])
  })

  test('nobody gives way to a task that could not run there, has just come, or beyond the limit', () => {
    const far = node(0, { latencyMs: 21 })
    expect(victims([claim('gold')], [far], [on(far, 'bronze')], context)).toEqual([])
    const full = node(0)
    expect(victims([claim('platinum')], [full], [on(full, 'bronze')], { now: START + 400, limit: 9 })).toEqual([])
    expect(mayPreempt(claim('platinum'), START + 500)).toBe(true)
    expect(mayPreempt(claim('gold'), START + 5_900)).toBe(false)
    const two = [on(full, 'bronze'), on(full, 'bronze')]
    expect(victims([claim('platinum', 2)], [full], two, { now: NOW, limit: 1 })).toEqual([])
    expect(victims([claim('platinum'), claim('platinum')], [full], two, { now: NOW, limit: 1 })).toHaveLength(1)
  })

  test('gold does not take what is kept for Platinum', () => {
    const kept = node(1, { keptCpuMilli: 1_000 })
    const bronze = on(kept, 'bronze')
    expect(victims([claim('gold')], [kept], [bronze], context)).toEqual([bronze])
    expect(victims([claim('platinum')], [kept], [bronze], context)).toEqual([])
  })
})

test('whatever runs and wants: nobody twice, only lower tiers, and afterwards all fits', () => {
  const fogs = fc.record({
    nodes: fc.array(fc.array(fc.record({ tier: fc.constantFrom(...TIERS), cores: fc.integer({ min: 1, max: 3 }) })), {
      minLength: 1,
      maxLength: 6,
    }),
    claims: fc.array(
      fc.record({
        tier: fc.constantFrom(...TIERS),
        cores: fc.integer({ min: 1, max: 4 }),
        quorum: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 8 },
    ),
    limit: fc.nat(10),
  })
  fc.assert(
    fc.property(fogs, (fog) => {
      const nodes = fog.nodes.map((held) => {
        const used = held.reduce((sum, { cores }) => sum + cores, 0)
        const capacity = { cpuMilli: (used + 1) * 1_000, memoryBytes: 8 * GIB, diskBytes: 8 * GIB }
        return node(1, { capacity })
      })
      const occupants = fog.nodes.flatMap((held, i) =>
        held.map(({ tier, cores }) =>
          on(nodes[i]!, tier, { room: { cpuMilli: cores * 1_000, memoryBytes: 0, diskBytes: 0 } }),
        ),
      )
      const claims = fog.claims.map(({ tier, cores, quorum }) => claim(tier, cores, quorum))
      const chosen = choosePreemptions(claims, nodes, occupants, { now: NOW, limit: fog.limit })
      expect(chosen.length).toBeLessThanOrEqual(fog.limit)
      expect(new Set(chosen.map(({ occupant }) => occupant.attemptId)).size).toBe(chosen.length)
      for (const { occupant, taskId } of chosen) {
        const { job } = claims.find(({ task }) => task.taskId === taskId)!
        expect(TIER_TERMS[job.spec.tier].preempts).toContain(occupant.tier)
      }
    }),
  )
})
