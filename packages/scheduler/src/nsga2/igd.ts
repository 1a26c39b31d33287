import { countPoints, Nsga2Error } from './nsga2-error.ts'

/**
 * Inverted generational distance: the mean, over points of the true front, of the Euclidean distance to the nearest point
 * found (Coello Coello and Reyes Sierra 2004). 0 is perfect; no points found is infinitely far.
 *
 * Both are flat, points x `objectiveCount`, in the same units.
 * @throws Nsga2Error `nsga2.not_a_number` or `nsga2.wrong_shape`.
 */
export function invertedGenerationalDistance(
  objectives: Float64Array,
  objectiveCount: number,
  trueFront: Float64Array,
): number {
  const found = countPoints(objectives, objectiveCount)
  const count = countPoints(trueFront, objectiveCount)
  if (count === 0) {
    throw new Nsga2Error({ code: 'nsga2.wrong_shape', what: 'trueFront', expected: 'at least one point', found: 0 })
  }
  let sum = 0
  for (let i = 0; i < count; i++) {
    let nearest = Infinity
    for (let j = 0; j < found; j++)
      nearest = Math.min(nearest, squaredDistance(trueFront, i, objectives, j, objectiveCount))
    if (Number.isNaN(nearest)) throw new Nsga2Error({ code: 'nsga2.not_a_number', what: 'A distance', point: i })
    sum += Math.sqrt(nearest)
  }
  return sum / count
}

function squaredDistance(a: Float64Array, i: number, b: Float64Array, j: number, width: number): number {
  let sum = 0
  for (let k = 0; k < width; k++) sum += (a[i * width + k]! - b[j * width + k]!) ** 2
  return sum
}
