import type { Arrangement } from './arrangement.ts'
import { findBestNode } from './best-node.ts'
import type { Direction } from './direction.ts'
import { type PlacementModel, WAITS } from './model.ts'

/** How good a node is for a task that waits, as things stand: the smaller the better. */
export type Score = (at: Arrangement, task: number, node: number) => number

/** The greedy rules schedulers are made of. Each is a baseline, and together they are where the search begins. */
export const RULES = {
  /** The first node in the list that has room. */
  'first fit': () => 0,
  /** The node on which least is left. */
  'best fit': (at, task, node) => leftOver(at, task, node),
  /** The node on which most is left. */
  'worst fit': (at, task, node) => -leftOver(at, task, node),
  /** The node on which the task costs least. */
  cheapest: (at, task, node) => at.costOn(task, node, at.hoursOn(task, node)),
  /** The node that draws least more, being switched on included. */
  'least energy': (at, task, node) => moreEnergy(at, task, node),
  /** The node that makes it and those already there least late. */
  fastest: (at, task, node) => moreLateness(at, task, node),
  /** The node on which the room that typical tasks cannot use grows least (fragmentation gradient descent). */
  'least fragmentation': (at, task, node) => at.strandedChange(task, node, 1),
} satisfies Record<string, Score>
export type RuleName = keyof typeof RULES

/** Orders in which a greedy rule takes the tasks; each best tier first where it says so. */
export const ORDERS = {
  /** Best tier first, then who waited longest. */
  arrival: (model) => (a, b) => model.tierOf[a]! - model.tierOf[b]! || model.waited[b]! - model.waited[a]!,
  /** Largest first, by what it takes most of a mean node. */
  size: (model) => {
    const sizes = sizesOf(model)
    return (a, b) => sizes[b]! - sizes[a]!
  },
  /** First whose run weighs most in the lateness. */
  lateness: (model) => (a, b) => model.weight[b]! * model.hours[b]! - model.weight[a]! * model.hours[a]!,
} satisfies Record<string, (model: PlacementModel) => (a: number, b: number) => number>
export type OrderName = keyof typeof ORDERS

export const RULE_NAMES = Object.keys(RULES) as readonly RuleName[]
export const ORDER_NAMES = Object.keys(ORDERS) as readonly OrderName[]

/** All tasks that some node could hold, in this order. */
export function orderTasks(model: PlacementModel, order: OrderName): Int32Array {
  const tasks = Array.from({ length: model.tasks }, (_, task) => task).filter((task) => model.placeable[task] === 1)
  const compare = ORDERS[order](model)
  return Int32Array.from(tasks.sort((a, b) => compare(a, b) || a - b))
}

/** Tasks placed between two rests. */
const CHUNK = 256

/**
 * Places one task after the other where the rule likes it best. Those that run already stay where they are: a greedy rule
 * knows no moves. O(tasks x nodes); each yield is a rest.
 */
export function* byRule(at: Arrangement, order: Int32Array, rule: RuleName): Generator<void> {
  at.clear()
  keepHeld(at, order)
  for (const [i, task] of order.entries()) {
    if (at.nodeOf[task] === WAITS) placeOne(at, task, RULES[rule])
    if (i % CHUNK === CHUNK - 1) yield
  }
}

/** Places one task after the other where the weighted sum grows least. One direction of a sweep. */
export function* byWeight(at: Arrangement, order: Int32Array, direction: Direction): Generator<void> {
  at.clear()
  keepHeld(at, order)
  const found = { node: WAITS, change: 0 }
  for (const [i, task] of order.entries()) {
    if (at.nodeOf[task] === WAITS) findBestNode(direction, at, task, WAITS, Number.POSITIVE_INFINITY, found)
    if (at.nodeOf[task] === WAITS && found.node !== WAITS) at.place(task, found.node)
    if (i % CHUNK === CHUNK - 1) yield
  }
}

/** `byRule` without rests. */
export function placeByRule(at: Arrangement, order: Int32Array, rule: RuleName): void {
  for (const _ of byRule(at, order, rule));
}

/** `byWeight` without rests. */
export function placeByWeight(at: Arrangement, order: Int32Array, direction: Direction): void {
  for (const _ of byWeight(at, order, direction));
}

/** Puts all tasks that run already back where they run. */
export function keepHeld(at: Arrangement, order: Int32Array): void {
  const { heldBy } = at.model
  for (const task of order) {
    const held = heldBy[task]!
    if (held !== WAITS && at.nodeOf[task] === WAITS && at.fits(task, held)) at.place(task, held)
  }
}

function placeOne(at: Arrangement, task: number, score: Score): void {
  const { eligibleNodes, eligibleStart, sortOf } = at.model
  const sort = sortOf[task]!
  let best = Number.POSITIVE_INFINITY
  let found = WAITS
  for (let i = eligibleStart[sort]!; i < eligibleStart[sort + 1]!; i += 1) {
    const node = eligibleNodes[i]!
    if (!at.hasRoom(task, node)) continue
    const value = score(at, task, node)
    if (value < best && at.obeysRules(task, node)) {
      best = value
      found = node
    }
  }
  if (found !== WAITS) at.place(task, found)
}

/** Room left after the task, as the sum of its shares of the node. */
function leftOver({ model, free }: Arrangement, task: number, node: number): number {
  const { demand, demandTaskStride, demandNodeStride, capacity, dimensions } = model
  const size = dimensions.length
  const from = task * demandTaskStride + node * demandNodeStride
  let left = 0
  for (let d = 0; d < size; d += 1) {
    const whole = capacity[node * size + d]!
    if (whole > 0) left += (free[node * size + d]! - demand[from + d]!) / whole
  }
  return left
}

function moreEnergy(at: Arrangement, task: number, node: number): number {
  const { model } = at
  const work = model.cores[task]! * model.coreWatts[node]! + model.gpus[task]! * model.gpuWatts[node]!
  return at.hoursOn(task, node) * work + (at.count[node] === 0 ? model.idleEnergy[node]! : 0)
}

function moreLateness({ model, burden, stretch, free }: Arrangement, task: number, node: number): number {
  const { demand, demandTaskStride, demandNodeStride, inverseTotal, dimensions, contention } = model
  const taken = demand[task * demandTaskStride + node * demandNodeStride]!
  const load = 1 - (free[node * dimensions.length]! - taken) * inverseTotal[node]!
  const own = model.weight[task]! * model.hours[task]! * model.slowness[node]!
  return (burden[node]! + own) * (1 + contention * load * load) - burden[node]! * stretch[node]!
}

/** How large each task is: the largest of its shares of a mean node. */
function sizesOf(model: PlacementModel): Float64Array {
  const { tasks, nodes, capacity, demand, demandTaskStride, dimensions } = model
  const size = dimensions.length
  const whole = new Float64Array(size)
  for (let at = 0; at < capacity.length; at += 1) whole[at % size]! += capacity[at]! / nodes
  const sizes = new Float64Array(tasks)
  for (let task = 0; task < tasks; task += 1) {
    for (let d = 0; d < size; d += 1) {
      if (whole[d]! > 0) sizes[task] = Math.max(sizes[task]!, demand[task * demandTaskStride + d]! / whole[d]!)
    }
  }
  return sizes
}
