import { describe, expect, test } from 'vitest'
import type { JobSpec } from '../job.ts'
import type { NodeView } from '../node-view.ts'
import { Fixtures, GIB, START } from '../testing/index.ts'
import type { Tier } from '../tier.ts'
import { promiseRefusals, type Standing } from './keep.ts'

const some = new Fixtures(6)

function node(freeCores: number, part: Partial<NodeView> = {}): NodeView {
  const room = { memoryBytes: 64 * GIB, diskBytes: 64 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name: 'a node',
    kinds: ['wasm'],
    capacity: { ...room, cpuMilli: 8_000 },
    free: { ...room, cpuMilli: freeCores * 1_000 },
    slots: 32,
    latencyMs: 4,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

type Occupants = Standing['occupants']

function on({ nodeId }: NodeView, tier: Tier, part: Partial<Occupants[number]> = {}): Occupants[number] {
  return {
    attemptId: some.id('attempt'),
    taskId: some.id('task'),
    nodeId,
    tier,
    room: { cpuMilli: 1_000, memoryBytes: 0, diskBytes: 0 },
    unsavedSince: START,
    keepsState: false,
    isYielding: false,
    endsBy: undefined,
    ...part,
  }
}

const spec = (tier: Tier, quorum = 1): JobSpec => some.spec({ tier, verification: { quorum, spotCheckBasisPoints: 0 } })

function ask(wanted: JobSpec, tasks: number, nodes: readonly NodeView[], more: Partial<Standing> = {}) {
  return promiseRefusals(wanted, tasks, { now: START, nodes, occupants: [], ahead: 0, ...more })
}

describe('what can be promised', () => {
  test('silver and bronze are never refused for what is promised', () => {
    for (const tier of ['silver', 'bronze'] as const) expect(ask(spec(tier), 1_000, [])).toEqual([])
  })

  test('platinum with room in two failure domains, gold with room anywhere', () => {
    expect(ask(spec('platinum', 2), 4, [node(4), node(4)])).toEqual([])
    expect(ask(spec('gold'), 500, [node(1)])).toEqual([])
  })

  test('nothing where no node could run it, or none is near enough', () => {
    expect(ask(spec('gold'), 1, [])).toMatchObject([{ code: 'headroom' }])
    const far = [node(4, { latencyMs: 31.6 }), node(4, { latencyMs: undefined })]
    const [refusal] = ask(spec('platinum'), 1, far)
    expect(refusal!.code).toBe('latency')
    expect(refusal!.sentence).toBe(
      'The platinum tier cannot be kept: it allows a round trip of 20 ms, and of 2 nodes that could run it the nearest is at 32 ms and 1 not measured yet. Choose gold or silver, or try again later.',
    )
    expect(ask(spec('gold'), 1, [node(4, { latencyMs: undefined })])[0]!.sentence).toContain('none is measured yet')
  })

  test('platinum not in one failure domain', () => {
    const labels = { domain: 'cellar' }
    const together = [node(4, { labels }), node(4, { labels })]
    expect(ask(spec('platinum'), 1, together)).toMatchObject([{ code: 'domains' }])
    expect(ask(spec('gold'), 1, together)).toEqual([])
  })

  test('what lower tiers give way counts, what others hold does not, unless it ends in time', () => {
    const full = [node(0), node(0)]
    const held = (tier: Tier, part = {}) => ({ occupants: full.map((each) => on(each, tier, part)) })
    expect(ask(spec('platinum', 2), 1, full, held('silver'))).toEqual([])
    expect(ask(spec('gold'), 1, full, held('bronze'))).toEqual([])
    expect(ask(spec('gold'), 1, full, held('silver'))).toMatchObject([{ code: 'headroom' }])
    expect(ask(spec('platinum', 2), 1, full, held('gold'))).toMatchObject([{ code: 'headroom' }])
    expect(ask(spec('platinum', 2), 1, full, held('gold', { endsBy: START + 5_000 }))).toEqual([])
    expect(ask(spec('platinum', 2), 1, full, held('gold', { endsBy: START + 5_001 }))).not.toEqual([])
  })

  test('what is kept for Platinum is room for it alone', () => {
    const kept = [node(1, { keptCpuMilli: 1_000 }), node(1, { keptCpuMilli: 1_000 })]
    expect(ask(spec('platinum', 2), 1, kept)).toEqual([])
    expect(ask(spec('gold'), 1, kept)).toMatchObject([{ code: 'headroom' }])
  })

  test('95 of 100 tasks have to begin in time, by the length that is known', () => {
    const nodes = [node(8), node(8)]
    expect(ask(spec('platinum'), 16, nodes)).toEqual([])
    expect(ask(spec('platinum'), 40, nodes)).toMatchObject([{ code: 'queue_wait' }])
    expect(ask(spec('platinum'), 40, nodes, { expectedMs: 2_500 })).toEqual([])
    expect(ask(spec('gold'), 400, nodes, { expectedMs: 30_000 })).toMatchObject([{ code: 'queue_wait' }])
    expect(ask(spec('platinum'), 16, nodes, { ahead: 1 })[0]!.sentence).toContain(
      '1 task of such tiers already waiting',
    )
    // One of twenty may be late.
    expect(ask(spec('platinum'), 20, [node(8), node(8), node(3, { slots: 3 })])).toEqual([])
  })
})
