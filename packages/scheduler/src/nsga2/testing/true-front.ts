import { rank } from '../rank.ts'
import type { TestProblem } from './zdt.ts'

/**
 * Points on the true front of a ZDT or DTLZ problem, flat, for measuring and drawing: the variables that place a solution on
 * the front run through a grid of `steps` each, the others hold the value that is best, 0 for ZDT and 0.5 for DTLZ1 and 2.
 */
export function trueFront(
  { genome, objectiveCount, evaluate }: TestProblem,
  best: number,
  steps: number,
): Float64Array {
  const places = objectiveCount - 1
  const solution = genome.random({ next: () => 0, bytes: (length) => new Uint8Array(length) }).fill(best)
  const count = steps ** places
  const points = new Float64Array(count * objectiveCount)
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < places; k++) solution[k] = (Math.floor(i / steps ** k) % steps) / (steps - 1)
    evaluate(solution, points.subarray(i * objectiveCount, (i + 1) * objectiveCount))
  }
  const ranks = rank(points, objectiveCount)
  return points.filter((_, at) => ranks[Math.floor(at / objectiveCount)] === 0)
}
