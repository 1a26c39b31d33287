import { describe, expect, test } from 'vitest'
import type { Job } from '../job.ts'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView } from '../node-view.ts'
import { plan } from '../plan.ts'
import type { Task } from '../task.ts'
import { Fixtures, GIB, routeByFreeCores, START } from '../testing/index.ts'
import { explainWaiting } from '../why.ts'
import { domainOf } from './domains.ts'
import { domainsBy, spreadOf } from './spread.ts'

const some = new Fixtures(9)
const context = { now: START, route: routeByFreeCores }

function node(domain: string | undefined, part: Partial<NodeView> = {}): NodeView {
  const room = { cpuMilli: 4_000, memoryBytes: 8 * GIB, diskBytes: 8 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name: 'a node',
    kinds: ['wasm'],
    capacity: room,
    free: room,
    slots: 8,
    latencyMs: 5,
    labels: domain === undefined ? {} : { domain },
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

function platinum(tasks: number, quorum: number, part: Partial<Job> = {}): QueuedTask[] {
  const spec = some.spec({ tier: 'platinum', verification: { quorum, spotCheckBasisPoints: 0 } })
  const made = some.job(
    { spec, ...part },
    Array.from({ length: tasks }, (): Partial<Task> => ({})),
  )
  return made.tasks.map((task) => ({ task, job: made.job, attempts: [] }))
}

describe('platinum', () => {
  test('has its replicas in two failure domains, whoever owns the nodes', () => {
    const nodes = [node('cellar'), node('cellar'), node('cellar'), node('attic', { free: room(1_000) })]
    for (const queued of [platinum(1, 2), platinum(1, 3)]) {
      const { placements } = plan(queued, nodes, context)
      const domains = placements.map(({ nodeId }) => domainOf(nodes.find((each) => each.nodeId === nodeId)!))
      expect(placements).toHaveLength(queued[0]!.task.quorum)
      expect(new Set(domains)).toEqual(new Set(['cellar', 'attic']))
    }
  })

  test('waits rather than stand in one domain, and says so', () => {
    const nodes = [node('cellar'), node('cellar'), node('attic', { free: room(0) })]
    const [queued] = platinum(1, 2)
    const { placements, waiting } = plan([queued!], nodes, context)
    expect(placements).toHaveLength(1)
    expect(waiting).toEqual([{ taskId: queued!.task.taskId, reason: 'other_domain' }])
    const attempt = some.attempt(queued!.task, nodes[0])
    const half = { ...queued!, task: { ...queued!.task, pending: 1 }, attempts: [attempt] }
    const codes = explainWaiting(half, nodes, START, { higherTier: 0, sameTier: 0 }).map(({ code }) => code)
    expect(codes).toContain('other_domain')
  })

  test('has the tasks of a job in two domains too, those that run already counted', () => {
    const nodes = [node('cellar', { free: room(4_000) }), node('attic', { free: room(2_000) })]
    const queue = platinum(4, 1)
    const { placements } = plan(queue, nodes, context)
    const on = (at: number, of = placements) => of.filter(({ nodeId }) => nodeId === nodes[at]!.nodeId).length
    expect([on(0), on(1)]).toEqual([2, 2])
    const live = queue.slice(0, 2).map(({ task, job }) => ({ attempt: some.attempt(task, nodes[0]), task, job }))
    const spread = spreadOf(
      live,
      domainsBy((nodeId) => nodes.find((each) => each.nodeId === nodeId)),
    )
    const rest = plan(queue.slice(2), nodes, { ...context, spread }).placements
    expect([on(0, rest), on(1, rest)]).toEqual([0, 2])
  })

  test('goes back to a node that lost it rather than not run again in time', () => {
    const nodes = [node('cellar'), node('attic')]
    const [queued] = platinum(1, 2)
    const live = some.attempt(queued!.task, { ...nodes[0], fence: 1 })
    const lost = some.attempt(queued!.task, { ...nodes[1], fence: 2, status: 'lost', endedAt: START - 1_000 })
    const again = { ...queued!, task: { ...queued!.task, pending: 1, attempts: 2 }, attempts: [live, lost] }
    expect(plan([again], nodes, context).placements).toMatchObject([{ nodeId: nodes[1]!.nodeId }])
  })
})

describe('what is kept for Platinum', () => {
  test('is not there for others, and is for it', () => {
    const nodes = [node('cellar', { keptCpuMilli: 2_000 })]
    const spec = some.spec({ tier: 'silver' })
    const { job, tasks } = some.job({ spec }, [{}, {}, {}])
    const silver = tasks.map((task): QueuedTask => ({ task, job, attempts: [] }))
    const { placements, waiting } = plan(silver, nodes, context)
    expect([placements.length, waiting.map(({ reason }) => reason)]).toEqual([2, ['no_room']])
    const both = plan([...silver, ...platinum(1, 1)], nodes, context)
    expect(both.placements).toHaveLength(3)
    const full = { ...nodes[0]!, free: room(2_000) }
    expect(explainWaiting(silver[0]!, [full], START, { higherTier: 0, sameTier: 0 })).toMatchObject([
      { code: 'headroom', text: '1 node has cores free only of those kept for Platinum: a node.', nodes: 1 },
    ])
  })
})

function room(cpuMilli: number) {
  return { cpuMilli, memoryBytes: 8 * GIB, diskBytes: 8 * GIB }
}
