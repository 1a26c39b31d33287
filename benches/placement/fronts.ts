import { seededRng } from '@fog/kernel'
import {
  ARCHIVE_BOUND,
  buildModel,
  greedyPoints,
  isAsGood,
  type Member,
  type PlacementModel,
  PlacementEngine,
  type PlanRequest,
  scalesOf,
  sweepDirections,
  sweepPoints,
  trialDescent,
} from '@fog/scheduler/placement'
import { hypervolume } from '@fog/scheduler/nsga2'
import { cpuMs } from './cpu-time.ts'
import { openbRequest, type Sizes } from './openb.ts'

/** Moves and swaps tried in each of the 66 directions: 1.98 million in all. */
const STEPS_EACH = 30_000

type Values = Float64Array

/** One scenario: the points of every method, what they cost, and how they compare. */
export interface Comparison {
  readonly sizes: Sizes
  readonly seed: number
  readonly objectives: readonly string[]
  readonly points: Readonly<Record<Method, readonly Values[]>>
  readonly volumes: Readonly<Record<Method, number>>
  readonly descentCpuMs: number
  readonly engineCpuMs: number
  /** Greedy and sweep points that no point of the engine's front is as good as. */
  readonly missed: number
  /** Points that break a limit. */
  readonly infeasible: number
  readonly waiting: { readonly descent: number; readonly engine: number }
}

export type Method = 'greedy' | 'sweep' | 'descent' | 'engine'

/**
 * Runs the weighted descent, measures its CPU time, and gives the engine as much; both with archives of the same kind and
 * bound. Greedy and sweep points, which both begin with, are part of both times.
 */
export function compare(sizes: Sizes, seed: number): Comparison {
  const request = openbRequest(sizes, seed)
  const model = buildModel(request)
  const greedy = greedyPoints(model).map(({ values }) => values)
  const sweep = sweepPoints(model, sweepDirections(model, scalesOf(greedy.map((values) => ({ values })))))
  const descentFrom = cpuMs()
  const descent = trialDescent(model, seededRng(seed), { stepsEach: STEPS_EACH, archiveBound: ARCHIVE_BOUND }).members
  const descentCpuMs = cpuMs() - descentFrom
  const { members, spentMs } = searchFor(model, seed, descentCpuMs)
  const points = { greedy, sweep, descent: descent.map(valuesOf), engine: members.map(valuesOf) }
  return {
    sizes,
    seed,
    objectives: model.objectives,
    points,
    volumes: volumesOf(points),
    descentCpuMs,
    engineCpuMs: spentMs,
    missed: [...greedy, ...sweep].filter((values) => !points.engine.some((point) => isAsGood(point, values))).length,
    infeasible: [...members, ...descent].filter(({ nodeOf }) => breaksLimit(request, nodeOf)).length,
    waiting: { descent: leastWaiting(descent), engine: leastWaiting(members) },
  }
}

function searchFor(model: PlacementModel, seed: number, budgetMs: number) {
  const from = cpuMs()
  const engine = new PlacementEngine(model, seededRng(seed))
  while (cpuMs() - from < budgetMs) engine.step()
  return { members: engine.front, spentMs: cpuMs() - from }
}

function valuesOf({ values }: Member): Values {
  return values
}

function leastWaiting(members: readonly Member[]): number {
  return Math.min(...members.map(({ nodeOf }) => nodeOf.filter((node) => node < 0).length))
}

/**
 * Hypervolumes up to 1.1 in every objective, after each was scaled so that the points nobody dominates, of all methods
 * together, reach from 0 to 1.
 */
function volumesOf(points: Comparison['points']): Record<Method, number> {
  const all = Object.values(points).flat()
  const best = all.filter((a) => !all.some((b) => isAsGood(b, a) && !isAsGood(a, b)))
  const least = best[0]!.map((_, k) => Math.min(...best.map((values) => values[k]!)))
  const most = best[0]!.map((_, k) => Math.max(...best.map((values) => values[k]!)))
  const scaled = (values: Values) => values.map((value, k) => (value - least[k]!) / (most[k]! - least[k]! || 1))
  const reference = new Float64Array(least.length).fill(1.1)
  const volumeOf = (front: readonly Values[]) =>
    hypervolume(Float64Array.from(front.flatMap((values) => [...scaled(values)])), reference)
  return {
    greedy: volumeOf(points.greedy),
    sweep: volumeOf(points.sweep),
    descent: volumeOf(points.descent),
    engine: volumeOf(points.engine),
  }
}

/** Looks at the question itself, not at what the search kept: room, sorts and rules. */
export function breaksLimit({ nodes, tasks, sorts, rules = [] }: PlanRequest, nodeOf: ArrayLike<number>): boolean {
  const left = nodes.map(({ free }) => ({ ...free }))
  for (const [at, task] of tasks.entries()) {
    const node = nodeOf[at]!
    if (node < 0) continue
    if (!sorts[task.sort]!.includes(node)) return true
    const room = left[node]!
    left[node] = {
      cpuMilli: room.cpuMilli - task.cpuMilli,
      memoryBytes: room.memoryBytes - task.memoryBytes,
      diskBytes: room.diskBytes - task.diskBytes,
      gpuMilli: room.gpuMilli - task.gpuMilli,
    }
  }
  const isOverdrawn = left.some((room) => Math.min(...Object.values(room)) < 0)
  return (
    isOverdrawn ||
    rules.some(({ tasks: members }) => {
      const domains = members.flatMap((at) => (nodeOf[at]! < 0 ? [] : [nodes[nodeOf[at]!]!.domain]))
      return new Set(domains).size < domains.length
    })
  )
}
