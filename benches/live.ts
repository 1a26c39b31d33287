import { plan, type QueuedTask } from '@fog/scheduler'
import { planRequest } from '@fog/scheduler/placement'
import { makeScenario, routeByFreeCores, START } from '@fog/scheduler/testing'
import { ThreadFrontPlanner } from '../apps/control-plane/src/planning/front-planner.ts'
import type { Figure } from './figure.ts'
import { wholeLives } from './live/lives.ts'
import { tierLatency } from './live/tiers.ts'
import { quantile } from './yardstick.ts'

const NODES = 1_000
const WINDOW = 512
const SEED = 11
/** When all of a scenario's tasks have been queued. */
const NOW = START + 1_000_000

/** The scheduler at work: whole lives of tasks through the store, what tiers wait, single decisions, and decisions while a plan is searched for. */
export async function live(): Promise<Figure[]> {
  return [...(await wholeLives()), ...(await tierLatency()), ...decisions(), ...(await whileReplanning())]
}

/** What deciding alone takes: a job that just arrived, and a whole window. */
function decisions(): Figure[] {
  const { nodes, queue } = makeScenario({ nodes: NODES, tasks: WINDOW * 8, tasksPerJob: 8 }, SEED)
  const decide = (tasks: readonly QueuedTask[]) => timeOf(() => void plan(tasks, nodes, context))
  const context = { now: NOW, route: routeByFreeCores }
  const size = `${NODES} nodes, seed ${SEED}`
  for (let i = 0; i < 50; i++) decide(queue.slice(0, WINDOW))
  const single = Array.from({ length: 2000 }, (_, i) => decide([queue[i % queue.length]!]))
  const windows = Array.from({ length: 200 }, (_, i) => {
    const from = (i * WINDOW) % queue.length
    return decide(queue.slice(from, from + WINDOW))
  })
  return [
    ...spread('decision for a job that arrives', single, 'ms', size, 5),
    ...spread(`decision for a window of ${WINDOW} tasks`, windows, 'ms', size),
  ]
}

/** Whether a search on its own thread holds up who places one by one. */
async function whileReplanning(): Promise<Figure[]> {
  const { nodes: alike, queue } = makeScenario({ nodes: 200, tasks: 1000, tasksPerJob: 8 }, SEED)
  // Devices that cost and draw differently, so that there is a front to search.
  const nodes = alike.map((node, i) => ({
    ...node,
    labels: { ...node.labels, 'price.core-hour': String(1 + (i % 5)), 'power.idle-w': String(5 + 15 * (i % 7)) },
  }))
  const { request } = planRequest({ queue, nodes, now: NOW, horizonMs: 60_000 })
  const planner = new ThreadFrontPlanner()
  const context = { now: NOW, route: routeByFreeCores }
  const decide = () => timeOf(() => void plan([queue[0]!], nodes, context))
  try {
    await planner.plan(request, { deadlineMs: 10, seed: SEED })
    const alone = Array.from({ length: 500 }, decide)
    const startedAt = performance.now()
    const search = { isOver: false }
    const found = planner.plan(request, { deadlineMs: 1_800, seed: SEED }).finally(() => (search.isOver = true))
    const beside: number[] = []
    while (!search.isOver) {
      beside.push(decide())
      await new Promise((resolve) => setImmediate(resolve))
    }
    const answer = await found
    const size = `${request.tasks.length} placements, ${nodes.length} nodes, ${answer.points.length} points`
    return [
      {
        name: 're-plan',
        value: performance.now() - startedAt,
        unit: 'ms',
        bar: { atMost: 2000 },
        method: `${size}, on one thread, deadline 1800 ms`,
      },
      { name: '  decision p99 without it', value: quantile(alone, 0.99), unit: 'ms', method: 'one job that arrives' },
      {
        name: '  decision p99 while it runs',
        value: quantile(beside, 0.99),
        unit: 'ms',
        bar: { atMost: 5 },
        method: `${beside.length} decisions`,
      },
      { name: '  decision max while it runs', value: Math.max(...beside), unit: 'ms', method: 'the same' },
    ]
  } finally {
    await planner.stop()
  }
}

function spread(name: string, figures: readonly number[], unit: string, method: string, mostP99?: number): Figure[] {
  return [
    { name: `${name}, p50`, value: quantile(figures, 0.5), unit, method: `${figures.length} of them, ${method}` },
    {
      name: '  p99',
      value: quantile(figures, 0.99),
      unit,
      ...(mostP99 === undefined ? {} : { bar: { atMost: mostP99 } }),
      method: 'the same',
    },
    { name: '  max', value: Math.max(...figures), unit, method: 'the same' },
  ]
}

function timeOf(step: () => void): number {
  const startedAt = performance.now()
  step()
  return performance.now() - startedAt
}
