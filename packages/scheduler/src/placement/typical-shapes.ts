import type { PlacementModel } from './model.ts'

/** Shapes that stand for all. More make a better measure and a slower one. */
const MOST = 8

type Shapes = Pick<PlacementModel, 'tasks' | 'demand' | 'demandTaskStride' | 'demandNodeStride' | 'dimensions'>

/** The most frequent shapes of task, with their shares of all tasks. */
export function typicalShapes(model: Shapes): { demand: Float64Array; share: number }[] {
  if (model.demandNodeStride !== 0) return []
  const counts = new Map<string, { demand: Float64Array; count: number }>()
  for (let task = 0; task < model.tasks; task += 1) {
    const from = task * model.demandTaskStride
    const demand = model.demand.subarray(from, from + model.dimensions.length)
    const key = demand.join(' ')
    const known = counts.get(key)
    if (known) known.count += 1
    else counts.set(key, { demand, count: 1 })
  }
  const most = [...counts.values()].sort((a, b) => b.count - a.count).slice(0, MOST)
  return most.map(({ demand, count }) => ({ demand, share: count / model.tasks }))
}
