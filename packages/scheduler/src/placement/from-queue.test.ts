import { ManualClock, seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { fitsInto, isSuitable, isWithin } from '../fits.ts'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView } from '../node-view.ts'
import { Fixtures, GIB, makeScenario, START } from '../testing/index.ts'
import { TIER_TERMS } from '../tier.ts'
import { buildModel } from './build-model.ts'
import { PlacementEngine } from './engine.ts'
import { type PlanSources, placementsOf, planRequest } from './from-queue.ts'
import { ASSUMED } from './node-terms.ts'
import { planFront } from './plan-front.ts'

const HORIZON_MS = 3_600_000

function placed(sources: Omit<PlanSources, 'now' | 'horizonMs'>, steps = 300) {
  const mapped = planRequest({ now: START, horizonMs: HORIZON_MS, ...sources })
  const clock = new ManualClock(0)
  const now = () => {
    clock.advance(1)
    return clock.now()
  }
  const answer = planFront(mapped.request, { clock: { now }, deadlineMs: steps, seed: 1 })
  return { mapped, answer, ...placementsOf(mapped, answer) }
}

describe('placements out of the queue', () => {
  test('obey every rule of the fast path', () => {
    const { nodes, queue } = makeScenario({ nodes: 40, tasks: 120, tasksPerJob: 5 }, 3)
    const kept = nodes.map((node, i) => ({
      ...node,
      labels: { ...node.labels, 'price.core-hour': `${1 + (i % 5)}`, speed: `${1 + (i % 4) / 10}` },
      keptCpuMilli: i % 3 === 0 ? node.free.cpuMilli / 2 : undefined,
    }))
    const mapped = planRequest({ queue, nodes: kept, now: START + 120_000, horizonMs: HORIZON_MS })
    const engine = new PlacementEngine(buildModel(mapped.request), seededRng(1))
    for (let step = 0; step < 400; step += 1) engine.step()
    const problems = engine.front.flatMap(({ nodeOf }) => problemsOf(nodeOf, mapped.taskIds, queue, kept))
    expect(engine.front.length).toBeGreaterThan(3)
    expect(problems).toEqual([])
  })

  test('leave out what backs off, and give replicas to distinct owners', () => {
    const some = new Fixtures()
    const nodes = ['a', 'b', 'c'].map((name) => node(some, { name }))
    const twins = nodes.map((view) => ({ ...view, nodeId: some.id('node') }))
    const { job, tasks } = some.job({ spec: some.spec({ verification: { quorum: 3, spotCheckBasisPoints: 0 } }) }, [
      { pending: 3 },
      { notBefore: START + 1 },
    ])
    const queue = tasks.map((task): QueuedTask => ({ task, job, attempts: [] }))
    const { placements, mapped } = placed({ queue, nodes: [...nodes, ...twins] })
    expect(mapped.taskIds).toEqual([tasks[0]!.taskId, tasks[0]!.taskId, tasks[0]!.taskId])
    const owners = placements.map(({ nodeId }) => [...nodes, ...twins].find((view) => view.nodeId === nodeId)!.ownerId)
    expect(new Set(owners).size).toBe(3)
  })

  test('keep off owners who have a voice and nodes that lost the task', () => {
    const some = new Fixtures()
    const [voice, lost, other] = ['a', 'b', 'c'].map((name) => node(some, { name }))
    const { job, tasks } = some.job({}, [{}])
    const attempts = [
      some.attempt(tasks[0]!, { nodeId: voice!.nodeId, ownerId: voice!.ownerId, status: 'reported' }),
      some.attempt(tasks[0]!, { nodeId: lost!.nodeId, ownerId: lost!.ownerId, status: 'lost', endedAt: START }),
    ]
    const queue: QueuedTask[] = [{ task: tasks[0]!, job, attempts }]
    expect(placed({ queue, nodes: [voice!, lost!, other!] }).placements).toEqual([
      { taskId: tasks[0]!.taskId, nodeId: other!.nodeId },
    ])
    // Better a node that lost it than none.
    expect(placed({ queue, nodes: [voice!, lost!] }).placements).toMatchObject([{ nodeId: lost!.nodeId }])
  })

  test('take unmeasured nodes only where no measured one could do', () => {
    const some = new Fixtures()
    const measured = node(some, { name: 'measured', latencyMs: 5 })
    const unmeasured = node(some, { name: 'unmeasured', latencyMs: undefined })
    const { job, tasks } = some.job({ spec: some.spec({ tier: 'gold' }) }, [{}])
    const queue: QueuedTask[] = [{ task: tasks[0]!, job, attempts: [] }]
    expect(planRequest({ queue, nodes: [unmeasured, measured], now: START, horizonMs: 1 }).request.sorts).toEqual([[1]])
    expect(planRequest({ queue, nodes: [unmeasured], now: START, horizonMs: 1 }).request.sorts).toEqual([[0]])
  })

  test('stay with the company a job asks for', () => {
    const some = new Fixtures()
    const nodes = Array.from({ length: 4 }, (_, i) => node(some, { name: `${i}` }))
    const jobs = [{ apart: 'node' as const }, { together: 'node' as const }].map((part) =>
      some.job({ spec: some.spec(part) }, [{}, {}, {}]),
    )
    const queue = jobs.flatMap(({ job, tasks }) => tasks.map((task): QueuedTask => ({ task, job, attempts: [] })))
    const standing = new Map([[jobs[0]!.job.jobId, [nodes[3]!.nodeId]]])
    const { placements } = placed({ queue, nodes, standing })
    const nodesOf = (of: number) =>
      placements
        .filter(({ taskId }) => jobs[of]!.tasks.some((task) => task.taskId === taskId))
        .map(({ nodeId }) => nodeId)
    expect(new Set(nodesOf(0))).toEqual(new Set(nodes.slice(0, 3).map(({ nodeId }) => nodeId)))
    expect(nodesOf(1)).toHaveLength(3)
    expect(new Set(nodesOf(1)).size).toBe(1)
  })
})

describe('what runs', () => {
  test('moves off a dear node when that pays, and is named as a move', () => {
    const some = new Fixtures()
    const dear = node(some, { name: 'dear', labels: { 'price.core-hour': '50' } })
    const cheap = node(some, { name: 'cheap', labels: { 'price.core-hour': '1' } })
    const { job, tasks } = some.job({ spec: some.spec({ tier: 'bronze' }) }, [{ pending: 0, status: 'running' }])
    const attempt = some.attempt(tasks[0]!, { nodeId: dear.nodeId, ownerId: dear.ownerId, status: 'leased' })
    const held = [{ task: tasks[0]!, job, attempts: [attempt], attempt }]
    const { moves, placements } = placed({ queue: [], held, nodes: [dear, cheap] })
    expect(placements).toEqual([])
    expect(moves).toEqual([{ taskId: tasks[0]!.taskId, from: dear.nodeId, to: cheap.nodeId }])
  })
})

describe('prices and watts', () => {
  test('are read from labels, and what is assumed is counted', () => {
    const some = new Fixtures()
    const labels = { 'price.core-hour': '0.25', 'power.idle-w': '80', speed: '0' }
    const nodes = [node(some, { name: 'said', labels }), node(some, { name: 'unsaid' })]
    const { request, assumed } = planRequest({ queue: [], nodes, now: START, horizonMs: 1 })
    expect(request.nodes[0]).toMatchObject({ corePrice: 0.25, idleWatts: 80, speed: 1 })
    expect(request.nodes[1]).toMatchObject({ corePrice: ASSUMED.corePrice, idleWatts: ASSUMED.idleWatts + 4 })
    expect(assumed).toEqual({ corePrice: 1, idleWatts: 1, gpuPrice: 2, coreWatts: 2, gpuWatts: 2, speed: 2 })
  })
})

function node(some: Fixtures, part: Partial<NodeView>): NodeView {
  const room = { cpuMilli: 4_000, memoryBytes: 8 * GIB, diskBytes: 50 * GIB }
  return {
    nodeId: some.id('node'),
    ownerId: some.id('account'),
    name: 'node',
    kinds: ['wasm'],
    capacity: room,
    free: room,
    slots: 8,
    latencyMs: 5,
    labels: {},
    warm: new Set(),
    trust: 500,
    circuits: true,
    ...part,
  }
}

/** The same rules as the fast path's, asked of each placement and each node by themselves. */
function problemsOf(
  nodeOf: Int32Array,
  taskIds: readonly string[],
  queue: readonly QueuedTask[],
  nodes: readonly NodeView[],
): string[] {
  const problems: string[] = []
  const jobOf = new Map(queue.map(({ task, job }) => [task.taskId as string, job]))
  const ownersOf = new Map<string, Set<string>>()
  const taken = nodes.map(() => ({ cpuMilli: 0, memoryBytes: 0, diskBytes: 0, slots: 0, othersCpuMilli: 0 }))
  for (const [at, place] of nodeOf.entries()) {
    if (place < 0) continue
    const view = nodes[place]!
    const { spec } = jobOf.get(taskIds[at]!)!
    const measured = isWithin(TIER_TERMS[spec.tier].latencyCapMs, view)
    if (view.closed !== undefined || !isSuitable(spec, view)) problems.push(`${view.name} does not suit`)
    if (!measured && view.latencyMs !== undefined) problems.push(`${view.name} is too far`)
    const owners = ownersOf.get(taskIds[at]!) ?? new Set()
    ownersOf.set(taskIds[at]!, owners)
    if (owners.has(view.ownerId)) problems.push('two replicas with one owner')
    owners.add(view.ownerId)
    const sum = taken[place]!
    sum.cpuMilli += spec.limits.cpuMilli
    sum.memoryBytes += spec.limits.memoryBytes
    sum.diskBytes += spec.limits.diskBytes
    sum.slots += 1
    if (spec.tier !== 'platinum') sum.othersCpuMilli += spec.limits.cpuMilli
  }
  for (const [place, sum] of taken.entries()) {
    const { free, slots, keptCpuMilli = 0, name } = nodes[place]!
    if (!fitsInto(sum, free) || sum.slots > slots) problems.push(`${name} is overfull`)
    if (sum.othersCpuMilli > 0 && sum.othersCpuMilli > free.cpuMilli - keptCpuMilli)
      problems.push(`${name} lost its headroom`)
  }
  return problems
}
