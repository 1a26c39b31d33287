import type { NodeId } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { AGEING_MS, LATE_MS } from './ageing.ts'
import type { Job, JobSpec } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import { plan } from './plan.ts'
import type { Plan, PlanContext, RunningTask } from './planner.ts'
import type { Task } from './task.ts'
import { Fixtures, GIB, routeByFreeCores, START } from './testing/index.ts'

const some = new Fixtures()
const NOW = START + 10_000
const CONTEXT: PlanContext = { now: NOW, route: routeByFreeCores }
const MINUTE = 60_000

function node(name: string, part: Partial<NodeView> = {}): NodeView {
  const capacity = part.capacity ?? { cpuMilli: 1_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
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

function fog(count: number, part: (i: number) => Partial<NodeView> = () => ({})): NodeView[] {
  return Array.from({ length: count }, (_, i) => node(`n${i}`, part(i)))
}

function queue(tasks: number, spec: Partial<JobSpec> = {}, part: Partial<Job> = {}, task: Partial<Task> = {}) {
  const made = some.job(
    { spec: some.spec(spec), ...part },
    Array.from({ length: tasks }, () => task),
  )
  return made.tasks.map((each): QueuedTask => ({ task: each, job: made.job, attempts: [] }))
}

/** A node that is taken by a task which ends at this time, and the task. */
function taken(name: string, endsAt: number, endsBy = endsAt): { node: NodeView; running: RunningTask } {
  const full = node(name, { free: { cpuMilli: 0, memoryBytes: 8 * GIB, diskBytes: 100 * GIB } })
  const room = { cpuMilli: 1_000, memoryBytes: 0, diskBytes: 0 }
  return { node: full, running: { nodeId: full.nodeId, room, endsAt, endsBy } }
}

function count({ placements }: Plan, queued: readonly QueuedTask[]): number {
  const mine = new Set(queued.map(({ task }) => task.taskId))
  return placements.filter(({ taskId }) => mine.has(taskId)).length
}

function reasons({ waiting }: Plan, queued: readonly QueuedTask[]): string[] {
  const mine = new Set(queued.map(({ task }) => task.taskId))
  return waiting.filter(({ taskId }) => mine.has(taskId)).map(({ reason }) => reason)
}

describe('a gang', () => {
  test('is placed whole or not at all', () => {
    const gang = queue(3, { gang: true })
    const small = queue(1, {}, { submittedAt: START + 5 })
    expect(count(plan(gang, fog(3), CONTEXT), gang)).toBe(3)
    const answer = plan([...gang, ...small], fog(2), CONTEXT)
    expect(count(answer, gang)).toBe(0)
    expect(reasons(answer, gang)).toEqual(['gang', 'gang', 'gang'])
    expect(count(answer, small)).toBe(1)
  })

  test('with replicas needs a node of another owner for each', () => {
    const ownerId = some.id('account')
    const gang = queue(2, { gang: true }, {}, { quorum: 2, pending: 2 })
    expect(count(plan(gang, fog(4), CONTEXT), gang)).toBe(4)
    expect(
      count(
        plan(
          gang,
          fog(4, () => ({ ownerId })),
          CONTEXT,
        ),
        gang,
      ),
    ).toBe(0)
  })

  test('leaves behind what backs off, and that comes alone', () => {
    const [first, ...rest] = queue(3, { gang: true })
    const late = { ...first!, task: { ...first!.task, notBefore: NOW + 1 } }
    const answer = plan([late, ...rest], fog(2), CONTEXT)
    expect(count(answer, rest)).toBe(2)
    expect(reasons(answer, [late])).toEqual(['back_off'])
  })
})

describe('room for a gang that waits', () => {
  const first = taken('first', NOW + 10 * MINUTE, NOW + 60 * MINUTE)
  const [free] = fog(1)
  const nodes = [first.node, free!]
  const context = { ...CONTEXT, running: [first.running] }
  const gang = queue(2, { gang: true })
  const limits = some.spec().limits
  const short = queue(1, { limits: { ...limits, wallMs: 9 * MINUTE } }, { submittedAt: START + 5 })
  const long = queue(1, { limits: { ...limits, wallMs: 30 * MINUTE } }, { submittedAt: START + 5 })

  test('is kept from those who would not be done before it begins', () => {
    const answer = plan([...gang, ...long], nodes, context)
    expect(answer.reservation).toEqual({ jobId: gang[0]!.job.jobId, beginsAt: NOW + 10 * MINUTE })
    expect(reasons(answer, long)).toEqual(['reserved'])
  })

  test('is open to those who are, by their limit or by what is foreseen', () => {
    expect(count(plan([...gang, ...short], nodes, context), short)).toBe(1)
    const foresee = () => 5 * MINUTE
    expect(count(plan([...gang, ...long], nodes, { ...context, foresee }), long)).toBe(1)
  })

  test('trusts only limits once it waited long', () => {
    const late = gang.map(({ task, ...rest }) => ({ ...rest, task: { ...task, queuedAt: NOW - LATE_MS - 1 } }))
    const answer = plan([...late, ...long], nodes, { ...context, foresee: () => 5 * MINUTE })
    expect(answer.reservation?.beginsAt).toBe(NOW + 60 * MINUTE)
    expect(count(answer, long)).toBe(1)
    const longer = queue(1, { limits: { ...limits, wallMs: 90 * MINUTE } }, { submittedAt: START + 5 })
    expect(reasons(plan([...late, ...longer], nodes, { ...context, foresee: () => MINUTE }), longer)).toEqual([
      'reserved',
    ])
  })

  test('is not kept where it will not be needed', () => {
    const more = [...nodes, ...fog(2)]
    const wide = queue(4, { gang: true })
    const busy = taken('busy', NOW + MINUTE)
    const answer = plan([...wide, ...long], [...more, busy.node], {
      ...context,
      running: [first.running, busy.running],
    })
    expect(answer.reservation?.beginsAt).toBe(NOW + MINUTE)
    expect(reasons(answer, long)).toEqual(['reserved'])
    const spare = plan([...queue(3, { gang: true }), ...long], nodes.concat(busy.node), {
      ...context,
      running: [busy.running, first.running],
    })
    expect(spare.reservation?.beginsAt).toBe(NOW + 10 * MINUTE)
  })

  test('is kept for a task that waited a day too', () => {
    const large = queue(1, { limits: { ...limits, cpuMilli: 2_000 } }, {}, { queuedAt: NOW - AGEING_MS - 1 })
    const capacity = { cpuMilli: 2_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
    const half = node('half', { capacity, free: { ...capacity, cpuMilli: 1_000 } })
    const room = { cpuMilli: 1_000, memoryBytes: 0, diskBytes: 0 }
    const running = [{ nodeId: half.nodeId, room, endsAt: NOW + MINUTE, endsBy: NOW + 5 * MINUTE }]
    const answer = plan([...large, ...long], [half], { ...CONTEXT, running })
    expect(reasons(answer, large)).toEqual(['no_room'])
    expect(reasons(answer, long)).toEqual(['reserved'])
    expect(count(plan([...large, ...long], [half], CONTEXT), long)).toBe(1)
  })
})

describe('tasks of a job', () => {
  const ownersOf = (nodes: readonly NodeView[], { placements }: Plan) =>
    placements.map(({ nodeId }) => nodes.find((each) => each.nodeId === nodeId)!.ownerId)

  test('keep apart by node, owner or failure domain, also from those that run', () => {
    const large = { cpuMilli: 8_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
    const [a, b] = [some.id('account'), some.id('account')]
    const nodes = fog(4, (i) => ({
      capacity: large,
      ownerId: i < 2 ? a : b,
      labels: i === 3 ? { domain: 'cellar' } : {},
    }))
    const byNode = queue(5, { apart: 'node' })
    const answer = plan(byNode, nodes, CONTEXT)
    expect(new Set(answer.placements.map(({ nodeId }) => nodeId)).size).toBe(4)
    expect(reasons(answer, byNode)).toEqual(['apart'])
    const byOwner = plan(queue(3, { apart: 'owner' }), nodes, CONTEXT)
    expect(new Set(ownersOf(nodes, byOwner))).toEqual(new Set([a, b]))
    expect(byOwner.placements).toHaveLength(2)
    expect(plan(queue(4, { apart: 'domain' }), nodes, CONTEXT).placements).toHaveLength(3)
    const one = queue(1, { apart: 'owner' })
    const held = new Map([[one[0]!.job.jobId, [nodes[0]!.nodeId] as NodeId[]]])
    expect(ownersOf(nodes, plan(one, nodes, { ...CONTEXT, held }))).toEqual([b])
  })

  test('stay together on a node or in a failure domain, also with those that run', () => {
    const large = { cpuMilli: 3_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
    const nodes = fog(4, (i) => ({ capacity: large, labels: { domain: `d${i % 2}` } }))
    const onNode = queue(4, { together: 'node' })
    const answer = plan(onNode, nodes, CONTEXT)
    expect(new Set(answer.placements.map(({ nodeId }) => nodeId)).size).toBe(1)
    expect(reasons(answer, onNode)).toEqual(['together'])
    const inDomain = plan(queue(8, { together: 'domain' }), nodes, CONTEXT)
    expect(inDomain.placements).toHaveLength(6)
    const one = queue(1, { together: 'domain' })
    const held = new Map([[one[0]!.job.jobId, [nodes[1]!.nodeId] as NodeId[]]])
    const { placements } = plan(one, nodes, { ...CONTEXT, held })
    expect([nodes[1]!.nodeId, nodes[3]!.nodeId]).toContain(placements[0]!.nodeId)
  })

  test('that are a gang and stay together find the one node that has room for all', () => {
    const capacityOf = (i: number) => ({
      cpuMilli: i === 2 ? 4_000 : 3_000,
      memoryBytes: 8 * GIB,
      diskBytes: 100 * GIB,
    })
    const nodes = fog(4, (i) => ({ capacity: capacityOf(i) }))
    const gang = queue(4, { gang: true, together: 'node' })
    const { placements } = plan(gang, nodes, CONTEXT)
    expect(placements.map(({ nodeId }) => nodeId)).toEqual(Array.from({ length: 4 }, () => nodes[2]!.nodeId))
    expect(reasons(plan(queue(5, { gang: true, together: 'node' }), nodes, CONTEXT), gang)).toEqual([])
  })
})

describe('labels', () => {
  const nodes = [
    node('plain'),
    node('berlin', { labels: { residency: 'eu', power: 'mains' } }),
    node('zurich', { labels: { region: 'ch', power: 'battery' } }),
    node('boston', { labels: { residency: 'us', region: 'ch' } }),
  ]
  const namesOf = (spec: Partial<JobSpec>, tasks = 9) => {
    const { placements } = plan(queue(tasks, spec), nodes, CONTEXT)
    return placements.map(({ nodeId }) => nodes.find((each) => each.nodeId === nodeId)!.name).toSorted()
  }

  test('that are avoided keep a node out', () => {
    expect(namesOf({ avoid: { power: 'battery' } })).toEqual(['berlin', 'boston', 'plain'])
  })

  test('name where data may be: residency before region, and a node that says nothing is nowhere', () => {
    expect(namesOf({ residency: ['eu', 'ch'] })).toEqual(['berlin', 'zurich'])
  })

  test('that are preferred come first and are no condition', () => {
    expect(namesOf({ prefer: { region: 'ch', power: 'battery' } }, 1)).toEqual(['zurich'])
    expect(namesOf({ prefer: { region: 'ch' } }, 2)).toEqual(['boston', 'zurich'])
    expect(namesOf({ prefer: { region: 'ch' } })).toHaveLength(4)
  })

  test('that are preferred are found among thousands of nodes', () => {
    const many = fog(3_000, (i) => ({ labels: i === 2_345 ? { room: 'cellar' } : {} }))
    const { placements } = plan(queue(1, { prefer: { room: 'cellar' } }), many, CONTEXT)
    expect(placements[0]!.nodeId).toBe(many[2_345]!.nodeId)
  })
})

describe('the order', () => {
  const accountId = some.id('account')

  test('of one account is by priority, then deadline, then age; priority is nothing to others', () => {
    const old = queue(1, {}, { accountId })
    const urgent = queue(1, {}, { accountId, submittedAt: START + 9, deadlineAt: NOW + MINUTE })
    const important = queue(1, { priority: 5 }, { accountId, submittedAt: START + 99 })
    const order = (tasks: readonly QueuedTask[], nodes: number) =>
      plan(tasks, fog(nodes), CONTEXT).placements.map(({ taskId }) => taskId)
    const ids = [important, urgent, old].map(([queued]) => queued!.task.taskId)
    expect(order([...old, ...urgent, ...important], 3)).toEqual(ids)
    const other = queue(1, { priority: -100 }, { submittedAt: START - 1 })
    expect(order([...important, ...other], 1)).toEqual([other[0]!.task.taskId])
  })

  test('puts what waited for a day before newer tasks of a better tier, but for Platinum and Gold', () => {
    const aged = queue(1, { tier: 'bronze' }, {}, { queuedAt: NOW - AGEING_MS - 1 })
    const silver = queue(1, { tier: 'silver' })
    const gold = queue(1, { tier: 'gold' })
    const { placements } = plan([...silver, ...aged, ...gold], fog(3), CONTEXT)
    const ids = [gold, aged, silver].map(([queued]) => queued!.task.taskId)
    expect(placements.map(({ taskId }) => taskId)).toEqual(ids)
  })
})
