import type { Rng } from '@fog/kernel'
import { randomBelow } from '@fog/kernel'
import type { Arrangement } from './arrangement.ts'
import { tasksOn } from './descent.ts'
import { WAITS } from './model.ts'

/** Nodes a child takes over at most. */
const MOST_TAKEN = 8

/**
 * Makes of an arrangement a child of itself and another: a few nodes are emptied and given the whole group of tasks that
 * they have in the other, as far as it fits. Answers the tasks that were moved or lost their place.
 */
export function crossNodes(at: Arrangement, other: Int32Array, rng: Rng): number[] {
  const { tasks } = at.model
  const touched = new Set<number>()
  const taken = new Set<number>()
  const wanted = 1 + randomBelow(rng, MOST_TAKEN)
  // A node where the two differ is found by a task on which they do.
  for (let tries = 0; tries < 8 * wanted && taken.size < wanted; tries += 1) {
    const task = randomBelow(rng, tasks)
    if (other[task] !== at.nodeOf[task] && other[task] !== WAITS) taken.add(other[task]!)
  }
  for (const node of taken) {
    for (const task of tasksOn(at, node)) {
      if (other[task] === node) continue
      at.remove(task)
      touched.add(task)
    }
  }
  for (let task = 0; task < tasks; task += 1) {
    const node = other[task]!
    if (node === at.nodeOf[task] || !taken.has(node)) continue
    if (at.nodeOf[task] !== WAITS) at.remove(task)
    if (at.fits(task, node)) at.place(task, node)
    touched.add(task)
  }
  return [...touched]
}
