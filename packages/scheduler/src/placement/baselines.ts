import type { Rng } from '@fog/kernel'
import { randomBelow } from '@fog/kernel'
import { Archive } from './archive.ts'
import { Arrangement } from './arrangement.ts'
import { Direction, latticeSteps, latticeWeights } from './direction.ts'
import { OBJECTIVES, type PlacementModel, WAITS } from './model.ts'
import {
  ORDER_NAMES,
  orderTasks,
  type OrderName,
  placeByRule,
  placeByWeight,
  RULE_NAMES,
  type RuleName,
} from './rules.ts'

export interface GreedyPoint {
  readonly rule: RuleName
  readonly order: OrderName
  readonly values: Float64Array
  readonly nodeOf: Int32Array
}

/** Every greedy rule with every order: 21 points. */
export function greedyPoints(model: PlacementModel): GreedyPoint[] {
  const at = new Arrangement(model)
  return RULE_NAMES.flatMap((rule) =>
    ORDER_NAMES.map((order): GreedyPoint => {
      placeByRule(at, orderTasks(model, order), rule)
      return { rule, order, values: valuesOf(at), nodeOf: at.nodeOf.slice() }
    }),
  )
}

/** The objectives the front is kept over, in the model's order. */
export function valuesOf(at: Arrangement): Float64Array {
  return Float64Array.from(at.model.objectives, (name) => at.totals[OBJECTIVES.indexOf(name)]!)
}

/** The range of each objective over these points, as what to divide it by; 1 where all agree. */
export function scalesOf(points: readonly { readonly values: Float64Array }[]): Float64Array {
  const [first] = points
  return Float64Array.from(first!.values, (_, k) => {
    const all = points.map(({ values }) => values[k]!)
    const range = Math.max(...all) - Math.min(...all)
    return range > 0 ? range : Math.max(1, Math.abs(first!.values[k]!))
  })
}

/** A tenth of its range beyond the worst of these points in each objective: up to where volumes are measured. */
export function referenceOf(points: readonly { readonly values: Float64Array }[]): Float64Array {
  return scalesOf(points).map((range, k) => Math.max(...points.map(({ values }) => values[k]!)) + range / 10)
}

/** Directions of the lattice with about 66 weights, scaled by the greedy points. */
export function sweepDirections(model: PlacementModel, scales: Float64Array): Direction[] {
  const width = model.objectives.length
  return latticeWeights(width, latticeSteps(width)).map((weights) => new Direction(model, weights, scales))
}

/** Greedy by weighted sum, once for each direction, tasks in the order of arrival. */
export function sweepPoints(model: PlacementModel, directions: readonly Direction[]): Float64Array[] {
  const at = new Arrangement(model)
  const order = orderTasks(model, 'arrival')
  return directions.map((direction) => {
    placeByWeight(at, order, direction)
    return valuesOf(at)
  })
}

export interface TrialDescentOptions {
  /** Moves and swaps tried in each direction: 30,000 in 66 directions are 1.98 million. */
  readonly stepsEach: number
  readonly archiveBound: number
}

/**
 * The rival: in each direction, from the greedy point that is best there, moves of a random task to a random node and swaps
 * of two random tasks are tried, half and half, and kept when the weighted sum falls. Every point kept on the way is
 * offered to the archive, as is every greedy and every sweep point.
 */
export function trialDescent(model: PlacementModel, rng: Rng, options: TrialDescentOptions): Archive {
  const archive = new Archive(model.objectives.length, options.archiveBound)
  const greedy = greedyPoints(model)
  for (const { values, nodeOf } of greedy) archive.offer(values, nodeOf)
  archive.measureTo(referenceOf(greedy))
  const at = new Arrangement(model)
  const tasks = orderTasks(model, 'arrival')
  for (const direction of sweepDirections(model, scalesOf(greedy))) {
    placeByWeight(at, tasks, direction)
    archive.offer(valuesOf(at), at.nodeOf)
    const start = greedy.reduce((best, point) => {
      return direction.sumOf(point.values) < direction.sumOf(best.values) ? point : best
    })
    at.load(start.nodeOf)
    for (let step = 0; step < options.stepsEach; step += 1) {
      const kept = rng.next() < 0.5 ? tryMove(at, direction, tasks, rng) : trySwap(at, direction, tasks, rng)
      if (kept) archive.offer(valuesOf(at), at.nodeOf)
    }
  }
  return archive
}

function tryMove(at: Arrangement, direction: Direction, tasks: Int32Array, rng: Rng): boolean {
  const { eligibleNodes, eligibleStart, sortOf } = at.model
  const task = tasks[randomBelow(rng, tasks.length)]!
  const sort = sortOf[task]!
  const from = eligibleStart[sort]!
  const node = eligibleNodes[from + randomBelow(rng, eligibleStart[sort + 1]! - from)]!
  const here = at.nodeOf[task]!
  if (here === node || !at.fits(task, node)) return false
  if (here !== WAITS && direction.removing(at, task) + direction.placing(at, task, node) >= 0) return false
  at.move(task, node)
  return true
}

function trySwap(at: Arrangement, direction: Direction, tasks: Int32Array, rng: Rng): boolean {
  const task = tasks[randomBelow(rng, tasks.length)]!
  const other = tasks[randomBelow(rng, tasks.length)]!
  const here = at.nodeOf[task]!
  const there = at.nodeOf[other]!
  if (here === there || here === WAITS || there === WAITS) return false
  if (direction.swapping(at, task, other) >= 0) return false
  at.remove(task)
  at.remove(other)
  if (at.fits(task, there)) {
    at.place(task, there)
    if (at.fits(other, here)) {
      at.place(other, here)
      return true
    }
    at.remove(task)
  }
  at.place(task, here)
  at.place(other, there)
  return false
}
