import { ManualClock } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { makePlanRequest } from '../testing/plan-request.ts'
import { isAsGood } from './archive.ts'
import { greedyPoints, scalesOf, sweepDirections, sweepPoints } from './baselines.ts'
import { buildModel } from './build-model.ts'
import { PlacementEngine } from './engine.ts'
import { seededRng } from '@fog/kernel'
import { type FrontAnswer, planFront } from './plan-front.ts'
import type { PlanRequest, PlanTask } from './request.ts'

const REQUEST = makePlanRequest({ nodes: 10, tasks: 40 }, 5)

/** A clock that goes on by a millisecond each time it is read: a search of so many steps, the same on every machine. */
function ticking(): ManualClock {
  const clock = new ManualClock(0)
  const now = clock.now.bind(clock)
  clock.now = () => {
    clock.advance(1)
    return now()
  }
  return clock
}

function answer(request: PlanRequest, deadlineMs = 400, seed = 1): FrontAnswer {
  return planFront(request, { clock: ticking(), deadlineMs, seed })
}

describe('a front', () => {
  test('is the same for the same seed', () => {
    expect(answer(REQUEST)).toEqual(answer(REQUEST))
    expect(answer(REQUEST, 400, 2).points).not.toEqual(answer(REQUEST, 400, 1).points)
  })

  test('holds no point that another dominates', () => {
    const points = answer(REQUEST).points.map(({ values }) => Float64Array.from(values))
    const [chosen] = [answer(REQUEST).chosen]
    // The chosen one gave up moves that gain too little; it may have stepped behind another for it.
    const others = points.filter((_, at) => at !== chosen)
    expect(others.some((a) => others.some((b) => a !== b && isAsGood(a, b)))).toBe(false)
    expect(points.length).toBeGreaterThan(5)
  })

  test('shows a point once, not again for each order its sums were added up in', () => {
    // On nodes of one kind every exchange of two is another arrangement of the same worth.
    const small = makePlanRequest({ nodes: 2, tasks: 7 }, 5)
    const alike = small.nodes.map(({ nodeId }) => ({ ...small.nodes[0]!, nodeId }))
    const { points, chosen } = answer({ ...small, nodes: alike, rules: [] }, 1000)
    const shown = points
      .filter((_, at) => at !== chosen)
      .map(({ values }) => values.map((v) => v.toPrecision(8)).join(' '))
    expect(new Set(shown).size).toBe(shown.length)
  })

  test('is as good as every greedy rule and every weight of the sweep', () => {
    const model = buildModel(REQUEST)
    const engine = new PlacementEngine(model, seededRng(3), { archiveBound: 20 })
    for (let step = 0; step < 600; step += 1) engine.step()
    const greedy = greedyPoints(model)
    const sweep = sweepPoints(model, sweepDirections(model, scalesOf(greedy)))
    for (const values of [...greedy.map((point) => point.values), ...sweep]) {
      expect(engine.front.some((member) => isAsGood(member.values, values))).toBe(true)
    }
  })

  test('comes by the deadline, and has a point even when there is no time', () => {
    const clock = ticking()
    const { spentMs } = planFront(REQUEST, { clock, deadlineMs: 100, seed: 1 })
    expect(spentMs).toBeLessThan(110)
    expect(answer(REQUEST, 0).points).toHaveLength(1)
  })

  test('ends early when it is aborted', () => {
    const { spentMs } = planFront(REQUEST, { clock: ticking(), deadlineMs: 1e6, seed: 1, signal: AbortSignal.abort() })
    expect(spentMs).toBeLessThan(20)
  })

  test('crosses to another thread and back as it is', () => {
    const there = structuredClone(REQUEST)
    expect(structuredClone(answer(there))).toEqual(answer(REQUEST))
  })

  test('of nothing is empty and says so', () => {
    const nothing = answer({ ...REQUEST, tasks: [], rules: [] })
    expect(nothing).toMatchObject({ points: [], chosen: -1, why: 'There is nothing to place.' })
  })

  test('of tasks nobody can hold lets them wait', () => {
    const tasks = [{ ...REQUEST.tasks[0]!, cpuMilli: 1e9, tier: 'gold' as const }]
    const [point] = answer({ ...REQUEST, tasks, rules: [] }).points
    expect(point).toMatchObject({ waiting: 1, breaches: { gold: 1 } })
  })
})

describe('the choice', () => {
  const node = { ...REQUEST.nodes[0]!, isOn: false, keptCpuMilli: 0, slots: 10, totalCpuMilli: 4000 }
  const room = { cpuMilli: 4000, memoryBytes: 2 ** 33, diskBytes: 2 ** 33, gpuMilli: 0 }
  const task: PlanTask = {
    taskId: 't',
    group: 'j',
    tier: 'platinum',
    sort: 0,
    waitedMs: 0,
    runMs: 3_600_000,
    cpuMilli: 1500,
    memoryBytes: 1,
    diskBytes: 0,
    gpuMilli: 0,
  }

  test('keeps Platinum off nodes that would run it too slowly, though they cost less', () => {
    const nodes = ['a', 'b'].map((nodeId) => ({ ...node, nodeId, free: room, corePrice: 1, speed: 1 }))
    const tasks = [task, { ...task, taskId: 'u' }]
    const plan = answer({ nodes, sorts: [[0, 1]], tasks, horizonMs: 3_600_000 })
    const { nodeOf, breaches } = plan.points[plan.chosen]!
    expect(nodeOf[0]).not.toBe(nodeOf[1])
    expect(breaches.platinum).toBe(0)
    expect(plan.why).toContain('every Platinum promise')
  })

  test('moves what runs only where the gain exceeds what moving costs', () => {
    const nodes = [2, 1.9].map((corePrice, i) => ({
      ...node,
      nodeId: `${i}`,
      free: room,
      corePrice,
      speed: 1,
      isOn: true,
    }))
    const held: PlanTask = { ...task, tier: 'bronze', heldBy: 0 }
    const movedWith = (moveMs: number, price: number) => {
      const dear = { ...nodes[0]!, corePrice: price }
      const request = { nodes: [dear, nodes[1]!], sorts: [[0, 1]], tasks: [{ ...held, moveMs }], horizonMs: 3_600_000 }
      const plan = answer(request)
      return plan.points[plan.chosen]!.moves
    }
    expect(movedWith(3_600_000, 2)).toBe(0)
    expect(movedWith(1_000, 20)).toBe(1)
  })

  test('places a gang whole or not at all', () => {
    const tasks = Array.from({ length: 6 }, (_, i) => ({ ...task, tier: 'silver' as const, taskId: `${i}` }))
    const nodes = [{ ...node, free: room }]
    const gangs = [[0, 1, 2]]
    for (const { nodeOf } of answer({ nodes, sorts: [[0]], tasks, gangs, horizonMs: 3_600_000 }).points) {
      const placed = gangs[0]!.filter((at) => nodeOf[at] !== -1).length
      expect([0, 3]).toContain(placed)
    }
  })

  test('leaves the headroom to Platinum', () => {
    const nodes = [{ ...node, free: room, keptCpuMilli: 2500 }]
    const tasks = [{ ...task, tier: 'silver' as const }, { ...task, tier: 'silver' as const }, task]
    for (const { nodeOf } of answer({ nodes, sorts: [[0]], tasks, horizonMs: 3_600_000 }).points) {
      expect([...nodeOf].slice(0, 2).toSorted((a, b) => a - b)).toEqual([-1, 0])
      expect(nodeOf[2]).toBe(0)
    }
  })
})
