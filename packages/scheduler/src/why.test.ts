import { describe, expect, test } from 'vitest'
import type { JobSpec } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import type { Attempt, Task } from './task.ts'
import { Fixtures, GIB, START } from './testing/index.ts'
import { explainWaiting } from './why.ts'

const some = new Fixtures()
const NOW = START + 60_000
const NOBODY_AHEAD = { higherTier: 0, sameTier: 0 }

function node(name: string, part: Partial<NodeView> = {}): NodeView {
  const capacity = part.capacity ?? { cpuMilli: 4_000, memoryBytes: 8 * GIB, diskBytes: 100 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name,
    kinds: ['wasm'],
    capacity,
    free: capacity,
    slots: 8,
    latencyMs: 5,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: false,
    ...part,
  }
}

function waiting(spec: Partial<JobSpec> = {}, part: Partial<Task> = {}): QueuedTask {
  const { job, tasks } = some.job({ spec: some.spec(spec) }, [part])
  return { job, task: tasks[0]!, attempts: [] }
}

function why(queued: QueuedTask, nodes: readonly NodeView[], ahead = NOBODY_AHEAD): string[] {
  return explainWaiting(queued, nodes, NOW, ahead).map(({ text }) => text)
}

function attempt({ task }: QueuedTask, { nodeId, ownerId }: NodeView, part: Partial<Attempt>): Attempt {
  return some.attempt(task, { nodeId, ownerId, ...part })
}

describe('a task that waits says why, with numbers', () => {
  test('for want of memory, cores, disk and slots, the nearest first', () => {
    const limits = { ...some.spec().limits, memoryBytes: 4 * GIB, cpuMilli: 2_000 }
    const nodes = [
      node('node-a', { free: { cpuMilli: 4_000, memoryBytes: 2.5 * GIB, diskBytes: 50 * GIB } }),
      node('node-b', { free: { cpuMilli: 4_000, memoryBytes: GIB, diskBytes: 50 * GIB } }),
      node('node-c', { free: { cpuMilli: 500, memoryBytes: 8 * GIB, diskBytes: 50 * GIB } }),
      node('node-d', { slots: 0 }),
    ]
    expect(why(waiting({ limits }), nodes)).toEqual([
      'It needs 4 GiB of memory free; the largest free is 2.5 GiB on node-a.',
      'It needs 2 cores free; the most free is 0.5 cores on node-c.',
      '1 node is at the number of tasks their owners allow: node-d.',
    ])
  })

  test('because owners lend their nodes at another time', () => {
    const closed = 'suspended by its owner: battery 62 %'
    const nodes = [
      node('a', { closed }),
      node('b', { closed }),
      node('c', { closed: 'draining' }),
      node('d', { slots: 0 }),
    ]
    expect(why(waiting(), nodes)).toEqual([
      '3 of 4 nodes are suspended by its owner: battery 62 % (2); draining.',
      '1 node is at the number of tasks their owners allow: d.',
    ])
  })

  test('because of where its data may be, labels it avoids, and other tasks of its job', () => {
    const spec: Partial<JobSpec> = { residency: ['eu', 'ch'], avoid: { power: 'battery' }, apart: 'node' }
    const nodes = [
      node('boston', { labels: { region: 'us' } }),
      node('nowhere'),
      node('phone', { labels: { region: 'eu', power: 'battery' } }),
      node('taken', { labels: { residency: 'ch' } }),
    ]
    const queued = waiting(spec)
    const held = [nodes[3]!.nodeId]
    expect(explainWaiting(queued, nodes, NOW, NOBODY_AHEAD, { held }).map(({ text }) => text)).toEqual([
      'Its data may only be in eu or ch: elsewhere, or of unknown place, is 2 of 4 nodes.',
      'Its tasks stay apart by node: taken by another of them is 1 of 4 nodes.',
      'The job avoids power: battery: so labelled is 1 of 4 nodes.',
    ])
    const together = waiting({ together: 'node' })
    const full = nodes.map((each) => ({ ...each, slots: 0 }))
    expect(explainWaiting(together, full, NOW, NOBODY_AHEAD, { held })[0]?.text).toBe(
      'Its tasks stay together on one node: away from the others is 3 of 4 nodes.',
    )
  })

  test('because there is room for some of its gang and not for all', () => {
    const nodes = [node('a'), node('b')]
    const [first] = explainWaiting(waiting({ gang: true }), nodes, NOW, NOBODY_AHEAD, { gang: 9 })
    expect(first?.text).toBe('All 9 tasks of its gang begin at once; there is room for 8 now.')
    expect(explainWaiting(waiting({ gang: true }), nodes, NOW, NOBODY_AHEAD, { gang: 8 })[0]?.code).toBe('next')
  })

  test('because of labels, size, kind, circuits and the tier’s round trip', () => {
    const spec: Partial<JobSpec> = { tier: 'gold', privacy: 'private', require: { residency: 'eu' } }
    const eu = { labels: { residency: 'eu' }, circuits: true }
    const nodes = [
      node('far', { ...eu, latencyMs: 48 }),
      node('small', { ...eu, capacity: { cpuMilli: 500, memoryBytes: GIB, diskBytes: GIB } }),
      node('us', { circuits: true }),
      node('plain', { labels: eu.labels }),
      node('js', { ...eu, kinds: ['js'] }),
    ]
    expect(why(waiting(spec), nodes)).toEqual([
      'The gold tier allows a round trip of 20 ms; for 1 of 5 nodes it is 48 ms at best.',
      '1 of 5 nodes is too small even when empty for 1 core, 128 MiB of memory and 64 MiB of disk.',
      '1 of 5 nodes has not the labels residency: eu.',
      '1 of 5 nodes is not reached through circuits, which the job asks for.',
      '1 of 5 nodes is not able to run programs of kind wasm.',
    ])
  })

  test('because no node is reached through the mixnet', () => {
    const nodes = [node('a'), node('b', { circuits: true }), node('c', { reach: 'mixnet', closed: 'lost: gone' })]
    expect(why(waiting({ privacy: 'secret' }), nodes)).toEqual([
      '2 of 3 nodes are not reached through the mixnet, which the job asks for.',
      '1 of 3 nodes is lost: gone.',
    ])
  })

  test('because it backs off after a loss', () => {
    const queued = waiting({}, { notBefore: NOW + 3_200 })
    expect(why(queued, [node('a')])[0]).toBe('Back-off after a lost node: 4 s left.')
    const returned = attempt(queued, node('b'), { status: 'returned', note: 'evicted', endedAt: NOW })
    expect(why({ ...queued, attempts: [returned] }, [node('a')])[0]).toBe(
      'Back-off after a node gave it back (evicted): 4 s left.',
    )
  })

  test('because a second owner is needed, or the only free node just lost it', () => {
    const queued = waiting({}, { quorum: 2, pending: 1 })
    const [a, b, c] = [node('a'), node('b', { slots: 0 }), node('c')]
    const attempts = [
      attempt(queued, a, { status: 'reported' }),
      attempt(queued, c, { status: 'lost', endedAt: NOW - 60_000, fence: 2 }),
    ]
    expect(why({ ...queued, attempts }, [a, b, c])).toEqual([
      '1 node is at the number of tasks their owners allow: b.',
      '1 node lost it or gave it back and is avoided for 4 min more: c.',
      '2 results from different owners must agree; 1 of 3 nodes is of an owner who has given one or works on it.',
    ])
  })

  test('because others go first', () => {
    expect(why(waiting(), [node('a')], { higherTier: 120, sameTier: 1 })).toEqual([
      'It waits behind 120 tasks of higher tier and 1 task of the same tier.',
    ])
    const full = [node('a', { slots: 0 })]
    expect(why(waiting(), full, { higherTier: 0, sameTier: 3 })).toEqual([
      '1 node is at the number of tasks their owners allow: a.',
      'It waits behind 3 tasks of the same tier.',
    ])
  })

  test('because no node has joined, or for no reason at all', () => {
    expect(why(waiting(), [])).toEqual(['No node has joined this fog; add one with `fog worker join`.'])
    expect(why(waiting(), [node('a')])).toEqual(['1 node can take it: it is placed within a moment.'])
  })
})

test('a task that does not wait says what it does', () => {
  const a = node('a')
  const queued = waiting({}, { pending: 0, status: 'running' })
  const attempts = [attempt(queued, a, { status: 'running' }), attempt(queued, node('b'), { fence: 2 })]
  expect(why({ ...queued, attempts }, [a])).toEqual([
    'It runs on a.',
    expect.stringMatching(/^It was placed on node_\w+, which has not begun yet\.$/),
  ])
  expect(why(waiting({}, { status: 'done', pending: 0 }), [a])).toEqual(['It does not wait: it is done.'])
})

test('each node is counted once, so that the reasons add up', () => {
  const nodes = [
    node('a', { slots: 0 }),
    node('b', { closed: 'lost', slots: 0 }),
    node('c', { kinds: [], closed: 'lost' }),
  ]
  const reasons = explainWaiting(waiting(), nodes, NOW, NOBODY_AHEAD)
  expect(reasons.map(({ code, nodes }) => [code, nodes])).toEqual([
    ['slots', 1],
    ['closed', 1],
    ['kind', 1],
  ])
})
