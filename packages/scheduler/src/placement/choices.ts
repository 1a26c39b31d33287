import type { Direction } from './direction.ts'
import { WAITS } from './model.ts'
import { pricedCost } from './prices.ts'

/** Nodes a task considers: those beyond are hardly ever in a good arrangement. */
export const CHOICES = 8

/** The nodes each task may want, cheapest first at the prices: `CHOICES` for each, `WAITS` where there are fewer. */
export function choicesOf(direction: Direction, prices: Float64Array): Int32Array {
  const { model } = direction
  const choices = new Int32Array(model.tasks * CHOICES).fill(WAITS)
  for (let task = 0; task < model.tasks; task += 1) {
    const sort = model.sortOf[task]!
    const nodes = model.eligibleNodes.slice(model.eligibleStart[sort], model.eligibleStart[sort + 1])
    const priced = Array.from(nodes, (node) => ({ node, value: pricedCost(direction, prices, task, node) }))
    const best = priced.filter(({ value }) => value < Number.POSITIVE_INFINITY).sort((a, b) => a.value - b.value)
    for (const [at, { node }] of best.slice(0, CHOICES).entries()) choices[task * CHOICES + at] = node
  }
  return choices
}
