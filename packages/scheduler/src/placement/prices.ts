import type { Arrangement } from './arrangement.ts'
import type { Direction } from './direction.ts'
import { WAITS } from './model.ts'

/** What a unit of room is worth on each node, and a bound that follows from it. */
export interface Prices {
  /** Of a node's whole room: at `node * D + dimension`. */
  readonly prices: Float64Array
  /** No arrangement's weighted sum is lower, where what a task adds goes by task and node alone. */
  readonly bound: number
}

/**
 * Prices for scarce room, by subgradient steps on the Lagrangian of the capacities (Fisher 1981; Polyak's step towards
 * `known`, the value of some arrangement). A task's cheapest node at these prices is where it would stand in a good
 * arrangement, nearly always. O(tasks x nodes) a round.
 */
export function capacityPrices(direction: Direction, known: number, rounds: number): Prices {
  const { model } = direction
  const size = model.dimensions.length
  const prices = new Float64Array(model.nodes * size)
  let best: Prices = { prices: prices.slice(), bound: Number.NEGATIVE_INFINITY }
  const asked = new Float64Array(prices.length)
  let pace = 1
  let since = 0
  for (let round = 0; round < rounds; round += 1) {
    const bound = relax(direction, prices, asked)
    if (bound > best.bound + 1e-9) {
      best = { prices: prices.slice(), bound }
      since = 0
    } else if ((since += 1) >= PATIENCE) {
      pace /= 2
      since = 0
      prices.set(best.prices)
    }
    let norm = 0
    for (let at = 0; at < asked.length; at += 1) if (prices[at]! > 0 || asked[at]! > 1) norm += (asked[at]! - 1) ** 2
    if (norm === 0) break
    const step = (pace * Math.max(known - bound, 1e-9 * Math.abs(known))) / norm
    for (let at = 0; at < prices.length; at += 1) prices[at] = Math.max(0, prices[at]! + step * (asked[at]! - 1))
  }
  return best
}

/** Rounds without a better bound before steps get shorter. */
const PATIENCE = 15

/** Every task takes its cheapest node at these prices, or waits; answers the bound, and what is asked of each room. */
function relax(direction: Direction, prices: Float64Array, asked: Float64Array): number {
  const { model } = direction
  const size = model.dimensions.length
  let bound = 0
  asked.fill(0)
  for (const price of prices) bound -= price
  for (let task = 0; task < model.tasks; task += 1) {
    if (model.placeable[task] === 0) continue
    const start = model.eligibleStart[model.sortOf[task]!]!
    const end = model.eligibleStart[model.sortOf[task]! + 1]!
    let least = direction.waiting(task)
    let where = WAITS
    for (let i = start; i < end; i += 1) {
      const node = model.eligibleNodes[i]!
      const value = pricedCost(direction, prices, task, node)
      if (value >= least) continue
      least = value
      where = node
    }
    bound += least
    if (where === WAITS) continue
    const from = task * model.demandTaskStride + where * model.demandNodeStride
    for (let d = 0; d < size; d += 1) {
      const capacity = model.capacity[where * size + d]!
      if (capacity > 0) asked[where * size + d]! += model.demand[from + d]! / capacity
    }
  }
  return bound
}

/** What the task adds on the node with the room it takes paid for; infinite where it never fits. */
export function pricedCost(direction: Direction, prices: Float64Array, task: number, node: number): number {
  const { model } = direction
  const size = model.dimensions.length
  const from = task * model.demandTaskStride + node * model.demandNodeStride
  let value = direction.alone(task, node)
  for (let d = 0; d < size; d += 1) {
    const capacity = model.capacity[node * size + d]!
    const needs = model.demand[from + d]!
    if (needs > capacity) return Number.POSITIVE_INFINITY
    if (needs > 0) value += (prices[node * size + d]! * needs) / capacity
  }
  return value
}

/** Places the tasks where they are cheapest at the prices and there is room, those with most to lose first. */
export function placeByPrice(at: Arrangement, direction: Direction, prices: Float64Array, order: Int32Array): void {
  const { model } = direction
  at.clear()
  const choices = Array.from(order, (task) => {
    const from = model.eligibleStart[model.sortOf[task]!]!
    const nodes = model.eligibleNodes.subarray(from, model.eligibleStart[model.sortOf[task]! + 1])
    const ranked = Array.from(nodes, (node) => ({ node, value: pricedCost(direction, prices, task, node) }))
    ranked.sort((a, b) => a.value - b.value)
    return { task, ranked, regret: (ranked[1]?.value ?? 0) - (ranked[0]?.value ?? 0) }
  })
  choices.sort((a, b) => b.regret - a.regret)
  for (const { task, ranked } of choices) {
    const best = ranked.find(({ node }) => at.fits(task, node))
    if (best) at.place(task, best.node)
  }
}
