import { randomBelow, seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsInto, isSuitable, isWithin } from './fits.ts'
import type { RoutingStrategy } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import { plan } from './plan.ts'
import type { Plan } from './planner.ts'
import { hasVoice } from './states.ts'
import type { AttemptStatus } from './task.ts'
import { TIER_TERMS, TIERS } from './tier.ts'
import { Fixtures, makeScenario, routeByFreeCores, START } from './testing/index.ts'

const NOW = START + 120_000
const ROUTINGS: RoutingStrategy[] = [
  'round_robin',
  'least_loaded',
  'affinity_based',
  'proximity_based',
  'privacy_aware',
]

const scenarios = fc
  .record({
    seed: fc.nat(),
    nodes: fc.integer({ min: 0, max: 60 }),
    tasks: fc.integer({ min: 1, max: 150 }),
    tasksPerJob: fc.integer({ min: 1, max: 30 }),
    closedPercent: fc.integer({ min: 0, max: 60 }),
    routing: fc.constantFrom(...ROUTINGS),
  })
  .map(({ seed, ...sizes }) => withHistory(makeScenario(sizes, seed), seed))

/** Gives some tasks a past: attempts that were lost, returned, reported or still run. */
function withHistory({ nodes, queue }: ReturnType<typeof makeScenario>, seed: number) {
  const rng = seededRng(seed + 1)
  const fixtures = new Fixtures(seed + 1)
  const statuses: AttemptStatus[] = ['lost', 'returned', 'reported', 'running']
  const lived = queue.map((queued): QueuedTask => {
    if (nodes.length === 0 || randomBelow(rng, 3) > 0) return queued
    const { nodeId, ownerId } = nodes[randomBelow(rng, nodes.length)]!
    const status = statuses[randomBelow(rng, statuses.length)]!
    const endedAt = NOW - randomBelow(rng, 600_000)
    const attempt = fixtures.attempt(queued.task, { nodeId, ownerId, status, endedAt, leasedAt: endedAt })
    return { ...queued, attempts: [attempt] }
  })
  return { nodes, queue: lived }
}

const run = ({ nodes, queue }: { nodes: NodeView[]; queue: QueuedTask[] }) =>
  plan(queue, nodes, { now: NOW, route: routeByFreeCores })

/** What each node has left once everything was placed. */
function roomAfter(nodes: readonly NodeView[], queue: readonly QueuedTask[], { placements }: Plan) {
  const tasks = new Map(queue.map((queued) => [queued.task.taskId, queued]))
  const left = new Map(nodes.map((node) => [node.nodeId, { node, slots: node.slots, room: { ...node.free } }]))
  for (const { taskId, nodeId } of placements) {
    const entry = left.get(nodeId)!
    const { limits } = tasks.get(taskId)!.job.spec
    entry.slots -= 1
    entry.room = {
      cpuMilli: entry.room.cpuMilli - limits.cpuMilli,
      memoryBytes: entry.room.memoryBytes - limits.memoryBytes,
      diskBytes: entry.room.diskBytes - limits.diskBytes,
    }
  }
  return left
}
test('a plan never exceeds what any node has free', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      for (const { slots, room } of roomAfter(scenario.nodes, scenario.queue, run(scenario)).values()) {
        expect(Math.min(slots, room.cpuMilli, room.memoryBytes, room.diskBytes)).toBeGreaterThanOrEqual(0)
      }
    }),
    { numRuns: 200 },
  )
})

test('a plan places each task as often as it is wanted or says why not, on distinct owners, on nodes that suit', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const { nodes, queue } = scenario
      const { placements, waiting } = run(scenario)
      const byId = new Map(nodes.map((node) => [node.nodeId, node]))
      const byTask = Map.groupBy(placements, ({ taskId }) => taskId)
      const waits = new Set(waiting.map(({ taskId }) => taskId))
      expect(waits.size).toBe(waiting.length)
      for (const { task, attempts, job } of queue) {
        const taken = (byTask.get(task.taskId) ?? []).map(({ nodeId }) => byId.get(nodeId)!)
        expect(taken.length + (waits.has(task.taskId) ? 1 : 0)).toBeGreaterThanOrEqual(Math.min(1, task.pending))
        expect(waits.has(task.taskId)).toBe(taken.length < task.pending)
        const owners = [...attempts.filter(hasVoice), ...taken].map(({ ownerId }) => ownerId)
        expect(new Set(owners).size).toBe(owners.length)
        const cap = TIER_TERMS[job.spec.tier].latencyCapMs
        expect(
          taken.every(
            (node) =>
              !node.closed && isSuitable(job.spec, node) && (isWithin(cap, node) || node.latencyMs === undefined),
          ),
        ).toBe(true)
      }
    }),
    { numRuns: 200 },
  )
})

test('a task waits for room only when no node has room for it', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const answer = run(scenario)
      const left = [...roomAfter(scenario.nodes, scenario.queue, answer).values()]
      const tasks = new Map(scenario.queue.map((queued) => [queued.task.taskId, queued]))
      for (const { taskId, reason } of answer.waiting) {
        const { job, attempts } = tasks.get(taskId)!
        const { latencyCapMs } = TIER_TERMS[job.spec.tier]
        const mine = answer.placements.filter((placement) => placement.taskId === taskId)
        const used = mine.map(({ nodeId }) => scenario.nodes.find((node) => node.nodeId === nodeId)!.ownerId)
        const owners = new Set([...used, ...attempts.filter(hasVoice).map(({ ownerId }) => ownerId)])
        const free = left.filter(
          ({ node, slots, room }) =>
            !node.closed &&
            isSuitable(job.spec, node) &&
            isWithin(latencyCapMs, node) &&
            slots >= 1 &&
            fitsInto(job.spec.limits, room) &&
            !owners.has(node.ownerId),
        )
        const avoided = new Set(attempts.filter((each) => !hasVoice(each)).map(({ nodeId }) => nodeId))
        const really = reason === 'other_node' ? free.filter(({ node }) => !avoided.has(node.nodeId)) : free
        expect(really.map(({ node }) => node.name)).toEqual([])
      }
    }),
    { numRuns: 200 },
  )
})

test('a plan is the same for the same question', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      expect(run(scenario)).toEqual(run(scenario))
    }),
    { numRuns: 50 },
  )
})

test('a better tier is never the one that waits for want of room where a worse one was placed in its stead', () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const tierOf = new Map(scenario.queue.map(({ task, job }) => [task.taskId, TIERS.indexOf(job.spec.tier)]))
      const order = run(scenario).placements.map(({ taskId }) => tierOf.get(taskId)!)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }),
    { numRuns: 50 },
  )
})
