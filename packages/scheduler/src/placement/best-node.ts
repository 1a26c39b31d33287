import type { Arrangement } from './arrangement.ts'
import type { Direction } from './direction.ts'
import { COST, LATENESS, WAITS } from './model.ts'

/** The node that adds least, and what it adds; `WAITS` when none adds less than the bound. */
export interface Found {
  node: number
  change: number
}

/**
 * The node with room on which the task would add least to the direction's sum, `except` left out, if that is less than
 * `bound`. The task may be on a node meanwhile; then `except` has to be that one. Answers the placements weighed.
 *
 * This loop is where a search spends its time, so it holds the sums of `Direction.placing` written out. Parts that never
 * lower a sum come last: most nodes are given up before them.
 */
export function findBestNode(
  direction: Direction,
  at: Arrangement,
  task: number,
  except: number,
  bound: number,
  found: Found,
): number {
  if (direction.hasExtras) return findSlowly(direction, at, task, except, bound, found)
  const { model, free, burden, stretch, count } = at
  const { eligibleNodes, eligibleStart, sortOf, demand, slowness, inverseTotal, contention } = model
  const { coreRate, gpuRate, idle } = direction
  const size = model.dimensions.length
  const from = task * model.demandTaskStride
  const stride = model.demandNodeStride
  const sort = sortOf[task]!
  const start = eligibleStart[sort]!
  const end = eligibleStart[sort + 1]!
  const held = model.heldBy[task]!
  const stays = model.hours[task]!
  const moves = held === WAITS ? stays : stays + model.moveHours[task]!
  const cores = model.cores[task]!
  const gpus = model.gpus[task]!
  const late = direction.weights[LATENESS]!
  const weight = model.weight[task]!
  const pairs = model.pairCost
  const pairsAt = task * model.nodes
  const pairWeight = direction.weights[COST]!
  let best = bound
  let node = WAITS
  for (let i = start; i < end; i += 1) {
    const to = eligibleNodes[i]!
    const room = to * size
    const needs = from + to * stride
    const first = demand[needs]!
    if (first > free[room]! || to === except) continue
    const hours = (to === held ? stays : moves) * slowness[to]!
    let change = pairs ? pairWeight * pairs[pairsAt + to]! : hours * (cores * coreRate[to]! + gpus * gpuRate[to]!)
    if (count[to] === 0) change += idle[to]!
    if (change >= best) continue
    const here = burden[to]!
    const load = 1 - (free[room]! - first) * inverseTotal[to]!
    change += late * ((here + weight * hours) * (1 + contention * load * load) - here * stretch[to]!)
    if (change >= best) continue
    let d = 1
    while (d < size && demand[needs + d]! <= free[room + d]!) d += 1
    if (d < size || !at.obeysRules(task, to)) continue
    best = change
    node = to
  }
  found.node = node
  found.change = best
  return end - start
}

/** The same where moves, stranded room or failure domains weigh something too. */
function findSlowly(
  direction: Direction,
  at: Arrangement,
  task: number,
  except: number,
  bound: number,
  found: Found,
): number {
  const { eligibleNodes, eligibleStart, sortOf } = at.model
  const start = eligibleStart[sortOf[task]!]!
  const end = eligibleStart[sortOf[task]! + 1]!
  found.node = WAITS
  found.change = bound
  for (let i = start; i < end; i += 1) {
    const node = eligibleNodes[i]!
    if (node === except || !at.hasRoom(task, node)) continue
    const change = direction.placing(at, task, node)
    if (change >= found.change || !at.obeysRules(task, node)) continue
    found.node = node
    found.change = change
  }
  return end - start
}
