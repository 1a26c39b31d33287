import type { AccountId } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import type { Job, JobSpec } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView, Route } from './node-view.ts'
import { AVOID_MS } from './filling.ts'
import { plan } from './plan.ts'
import type { PlanContext } from './planner.ts'
import type { Attempt, Task } from './task.ts'
import { Fixtures, GIB, MIB, routeByFreeCores, START } from './testing/index.ts'

const some = new Fixtures()
const NOW = START + 10_000
const CONTEXT: PlanContext = { now: NOW, route: routeByFreeCores }

function node(name: string, part: Partial<NodeView> = {}): NodeView {
  const capacity = part.capacity ?? { cpuMilli: 4_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name,
    kinds: ['wasm'],
    capacity,
    free: capacity,
    slots: 16,
    latencyMs: 5,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

function queue(tasks: number, spec: Partial<JobSpec> = {}, part: Partial<Job> = {}, task: Partial<Task> = {}) {
  const made = some.job(
    { spec: some.spec(spec), ...part },
    Array.from({ length: tasks }, () => task),
  )
  return made.tasks.map((task): QueuedTask => ({ task, job: made.job, attempts: [] }))
}

/** Names of the nodes each placement took, in order. */
function placedOn(nodes: readonly NodeView[], queued: readonly QueuedTask[], context: Partial<PlanContext> = {}) {
  const names = new Map(nodes.map(({ nodeId, name }) => [nodeId, name]))
  return plan(queued, nodes, { ...CONTEXT, ...context }).placements.map(({ nodeId }) => names.get(nodeId))
}

function reasons(nodes: readonly NodeView[], queued: readonly QueuedTask[]) {
  return plan(queued, nodes, CONTEXT).waiting.map(({ reason }) => reason)
}

describe('a plan', () => {
  test('fills a node to the last core and leaves the rest waiting', () => {
    const nodes = [node('a'), node('b', { slots: 1 })]
    const { placements, waiting } = plan(queue(8), nodes, CONTEXT)
    expect(placements).toHaveLength(5)
    expect(waiting.map(({ reason }) => reason)).toEqual(['no_room', 'no_room', 'no_room'])
  })

  test('spreads a job over the emptiest nodes', () => {
    const nodes = [node('a'), node('b'), node('c')]
    expect(placedOn(nodes, queue(6)).toSorted(byText)).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
  })

  test('places a better tier first, then the oldest', () => {
    const nodes = [node('a', { slots: 2 })]
    const bronze = queue(1, { tier: 'bronze' })
    const silver = queue(1, { tier: 'silver' }, { submittedAt: START + 9 })
    const gold = queue(1, { tier: 'gold' }, { submittedAt: START + 99 })
    const { placements, waiting } = plan([...bronze, ...silver, ...gold], nodes, CONTEXT)
    expect(placements.map(({ taskId }) => taskId)).toEqual([gold[0]!.task.taskId, silver[0]!.task.taskId])
    expect(waiting.map(({ taskId }) => taskId)).toEqual([bronze[0]!.task.taskId])
  })

  test('shares a tier fairly between accounts, whoever came first with however many tasks', () => {
    const [many, few] = [some.id('account'), some.id('account')]
    const crowd = queue(100, {}, { accountId: many })
    const latecomer = queue(2, {}, { accountId: few, submittedAt: START + 1_000 })
    const nodes = [node('a')]
    const { placements } = plan([...crowd, ...latecomer], nodes, CONTEXT)
    const placed = new Set(placements.map(({ taskId }) => taskId))
    expect(latecomer.every(({ task }) => placed.has(task.taskId))).toBe(true)
    expect(placements).toHaveLength(4)
  })

  test('lets an account that already holds much wait for one that holds nothing', () => {
    const [rich, poor] = [some.id('account'), some.id('account')]
    const first = queue(4, {}, { accountId: rich })
    const second = queue(4, {}, { accountId: poor, submittedAt: START + 1_000 })
    const inUse = new Map<AccountId, number>([[rich, 8_000]])
    const { placements } = plan([...first, ...second], [node('a')], { ...CONTEXT, inUse })
    expect(new Set(placements.map(({ taskId }) => taskId))).toEqual(new Set(second.map(({ task }) => task.taskId)))
  })

  test('gives the strategy what the nodes have left within this plan', () => {
    const seen: number[] = []
    const route: Route = (_, candidates) => {
      seen.push(candidates[0]!.free.cpuMilli)
      return candidates
    }
    plan(queue(3), [node('a')], { ...CONTEXT, route })
    expect(seen).toEqual([4_000, 3_000, 2_000])
  })

  test('leaves what backs off, and what wants nothing', () => {
    const backsOff = queue(1, {}, {}, { notBefore: NOW + 1 })
    const content = queue(1, {}, {}, { pending: 0 })
    expect(plan([...backsOff, ...content], [node('a')], CONTEXT)).toMatchObject({
      placements: [],
      waiting: [{ reason: 'back_off' }],
    })
  })
})

describe('a node is never taken', () => {
  test('when it is closed, of the wrong kind, too small or without the labels', () => {
    expect(reasons([], queue(1))).toEqual(['none_open'])
    expect(reasons([node('a', { closed: 'lost' })], queue(1))).toEqual(['none_open'])
    expect(reasons([node('a', { kinds: ['js'] })], queue(1))).toEqual(['not_suitable'])
    const large = { limits: { ...some.spec().limits, memoryBytes: 9 * GIB } }
    expect(reasons([node('a')], queue(1, large))).toEqual(['not_suitable'])
    const nodes = [node('us', { labels: { residency: 'us' } }), node('eu', { labels: { residency: 'eu', gpu: 'no' } })]
    expect(placedOn(nodes, queue(2, { require: { residency: 'eu' } }))).toEqual(['eu', 'eu'])
    expect(reasons(nodes, queue(1, { require: { residency: 'eu', gpu: 'yes' } }))).toEqual(['not_suitable'])
  })

  test('beyond the round trip its tier allows', () => {
    const nodes = [node('far', { latencyMs: 21 }), node('near', { latencyMs: 20, slots: 1 })]
    const spec: Partial<JobSpec> = { tier: 'gold' }
    expect(placedOn(nodes, queue(2, spec))).toEqual(['near'])
    expect(placedOn(nodes, queue(2, { tier: 'bronze' }))).toHaveLength(2)
  })

  test('with a round trip nobody measured, unless no measured one could ever take the task', () => {
    const unknown = node('unknown', { latencyMs: undefined })
    expect(placedOn([unknown], queue(1, { tier: 'gold' }))).toEqual(['unknown'])
    const busy = node('busy', { free: { cpuMilli: 0, memoryBytes: 0, diskBytes: 0 } })
    expect(placedOn([unknown, busy], queue(1, { tier: 'gold' }))).toEqual([])
    const small = node('small', { capacity: { cpuMilli: 500, memoryBytes: GIB, diskBytes: GIB } })
    expect(placedOn([unknown, small], queue(1, { tier: 'gold' }))).toEqual(['unknown'])
  })

  test('without circuits, or in the network of the submitter, when privacy is asked for', () => {
    const here = '203.0.113.0/24'
    const nodes = [
      node('plain'),
      node('same', { circuits: true, networkPrefix: here }),
      node('unknown', { circuits: true }),
      node('elsewhere', { circuits: true, networkPrefix: '198.51.100.0/24' }),
    ]
    const context = { networkOf: () => here }
    expect(placedOn(nodes, queue(2, { routing: 'privacy_aware' }), context)).toEqual(['elsewhere', 'elsewhere'])
    expect(new Set(placedOn(nodes, queue(9, { privacy: 'private' })))).toEqual(
      new Set(['same', 'unknown', 'elsewhere']),
    )
  })
})

describe('a secret task', () => {
  const nodes = [
    node('plain'),
    node('circuits', { circuits: true }),
    node('mixed', { reach: 'mixnet' }),
    node('direct', { reach: 'direct' }),
  ]

  test('goes to nodes reached through the mixnet alone, whatever the strategy', () => {
    for (const routing of [
      'least_loaded',
      'round_robin',
      'affinity_based',
      'proximity_based',
      'privacy_aware',
    ] as const) {
      expect(new Set(placedOn(nodes, queue(3, { privacy: 'secret', routing })))).toEqual(new Set(['mixed']))
    }
  })

  test('does not share the nodes of public tasks that are like it in all else', () => {
    const [open, secret] = [queue(2), queue(2, { privacy: 'secret' })]
    for (const both of [
      [...open, ...secret],
      [...secret, ...open],
    ]) {
      const { placements } = plan(both, nodes, CONTEXT)
      const ids = new Set(secret.map(({ task }) => task.taskId))
      const hidden = placements.filter(({ taskId }) => ids.has(taskId))
      expect(hidden.map(({ nodeId }) => nodes.find((each) => each.nodeId === nodeId)!.name)).toEqual(['mixed', 'mixed'])
    }
  })

  test('waits where there is none', () => {
    expect(placedOn(nodes.slice(0, 2), queue(1, { privacy: 'secret' }))).toEqual([])
  })

  test('and one routed by privacy is put behind the mixnet before circuits', () => {
    const elsewhere = node('elsewhere', { circuits: true, networkPrefix: '198.51.100.0/24' })
    const context = { networkOf: () => '203.0.113.0/24' }
    expect(placedOn([elsewhere, ...nodes], queue(1, { routing: 'privacy_aware' }), context)).toEqual(['mixed'])
  })
})

describe('replicas', () => {
  const quorum = { quorum: 2, pending: 2 }

  test('go to nodes of distinct owners, and wait when there is but one', () => {
    const ownerId = some.id('account')
    const own = [node('a1', { ownerId }), node('a2', { ownerId })]
    const queued = queue(1, {}, {}, quorum)
    expect(plan(queued, own, CONTEXT)).toMatchObject({ placements: [{}], waiting: [{ reason: 'other_owner' }] })
    const names = placedOn([...own, node('b')], queued)
    expect(names).toHaveLength(2)
    expect(names).toContain('b')
  })

  test('keep off the owners of attempts that run or have reported', () => {
    const [a, b, c] = [node('a'), node('b'), node('c')]
    const [queued] = queue(1, {}, {}, { quorum: 2, pending: 1, attempts: 2 })
    const attempts = [of(queued!, a, 'reported', 1), of(queued!, b, 'running', 2)]
    expect(placedOn([a, b, c], [{ ...queued!, attempts }])).toEqual(['c'])
  })

  test('find the one other owner among thousands of nodes of the excluded one', () => {
    const ownerId = some.id('account')
    const own = Array.from({ length: 2_000 }, (_, i) => node(`a${i}`, { ownerId }))
    const other = node('b')
    const names = placedOn([...own.slice(0, 999), other, ...own.slice(999)], queue(20, {}, {}, quorum))
    expect(names.filter((name) => name === 'b')).toHaveLength(4)
  })
})

describe('a node that lost the task or gave it back', () => {
  const [bad, good] = [node('bad'), node('good')]
  const [queued] = queue(1)
  const again = { ...queued!, attempts: [of(queued!, bad, 'lost', 1)] }
  const full = { ...good, free: { ...good.free, cpuMilli: 0 } }

  test('is avoided while another exists, even a full one', () => {
    expect(placedOn([bad, good], [again])).toEqual(['good'])
    expect(placedOn([bad, full], [again])).toEqual([])
    expect(reasons([bad, full], [again])).toEqual(['other_node'])
  })

  test('is taken again when there is no other', () => {
    expect(placedOn([bad], [again])).toEqual(['bad'])
    expect(placedOn([bad, { ...good, closed: 'draining' }], [again])).toEqual(['bad'])
  })

  test('is taken again after a while', () => {
    expect(placedOn([bad, full], [again], { now: START + AVOID_MS + 1_000 })).toEqual(['bad'])
  })
})

describe('the strategies see the nodes they mean', () => {
  test('round_robin: each node in its turn, going on where the last plan ended', () => {
    const nodes = fog(100, () => ({}))
    const spec: Partial<JobSpec> = { routing: 'round_robin' }
    const first = plan(queue(30, spec), nodes, { ...CONTEXT, route: inGivenOrder })
    expect(first.placements.map(({ nodeId }) => nodeId)).toEqual(nodes.slice(0, 30).map(({ nodeId }) => nodeId))
    const next = { lastNodeId: first.lastNodeId, route: inGivenOrder }
    expect(placedOn(nodes, queue(2, spec), next)).toEqual(['n30', 'n31'])
    const gone = { lastNodeId: nodes[50]!.nodeId, route: inGivenOrder }
    expect(placedOn(nodes.toSpliced(50, 1).reverse(), queue(1, spec), gone)).toEqual(['n51'])
    const last = { lastNodeId: nodes[99]!.nodeId, route: inGivenOrder }
    expect(placedOn(nodes, queue(1, spec), last)).toEqual(['n0'])
  })

  test('proximity_based: the nearest of all', () => {
    const nodes = fog(200, (i) => ({ latencyMs: 1 + ((i * 37) % 199), slots: 1 }))
    const spec: Partial<JobSpec> = { routing: 'proximity_based', tier: 'bronze' }
    const names = placedOn(nodes, queue(3, spec), { route: inGivenOrder })
    const nearest = nodes.toSorted((a, b) => a.latencyMs! - b.latencyMs!).map(({ name }) => name)
    expect(names).toEqual(nearest.slice(0, 3))
  })

  test('affinity_based: those that hold the most bytes of program and inputs', () => {
    const { program, inputs } = some.spec()
    const nodes = fog(200, (i) => {
      if (i === 150) return { warm: new Set([program.digest, inputs[0]!.digest]), slots: 1 }
      if (i === 77) return { warm: new Set([program.digest]), slots: 1 }
      return i === 3 ? { warm: new Set(['something else']) } : {}
    })
    const names = placedOn(nodes, queue(2, { routing: 'affinity_based' }), { route: inGivenOrder })
    expect(names).toEqual(['n150', 'n77'])
  })

  test('least_loaded: the emptiest by what they have least of', () => {
    const nodes = fog(200, (i) => ({
      free: { cpuMilli: 4_000, memoryBytes: (i === 120 ? 8 : 6) * GIB, diskBytes: (i === 10 ? 1 : 100) * GIB },
    }))
    expect(placedOn(nodes, queue(1), { route: inGivenOrder })).toEqual(['n120'])
  })

  test('and may refuse them all', () => {
    expect(plan(queue(1), [node('a')], { ...CONTEXT, route: () => [] }).waiting).toMatchObject([{ reason: 'routing' }])
  })
})

test('a task finds the one node with room among thousands that are nearly full', () => {
  const nearlyFull = { cpuMilli: 100, memoryBytes: 64 * MIB, diskBytes: 64 * MIB }
  const nodes = Array.from({ length: 3_000 }, (_, i) => node(`n${i}`, i === 1_234 ? {} : { free: nearlyFull }))
  for (const routing of ['least_loaded', 'round_robin', 'proximity_based', 'affinity_based'] as const) {
    expect(placedOn(nodes, queue(1, { routing }))).toEqual(['n1234'])
  }
})

const inGivenOrder: Route = (_, candidates) => candidates

function fog(count: number, part: (i: number) => Partial<NodeView>): NodeView[] {
  return Array.from({ length: count }, (_, i) => node(`n${i}`, part(i)))
}

function byText(a = '', b = ''): number {
  return a < b ? -1 : 1
}

function of({ task }: QueuedTask, { nodeId, ownerId }: NodeView, status: Attempt['status'], fence: number): Attempt {
  return some.attempt(task, { nodeId, ownerId, status, fence, endedAt: START })
}
