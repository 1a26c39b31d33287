import { seededRng } from '@fog/kernel'
import { integer } from '../integer.ts'
import type { Problem } from '../problem.ts'
import { permutation } from '../permutation.ts'

/**
 * In which order jobs pass one machine: minimises the weighted sum of their ends and the greatest lateness. Times 1 to 20,
 * weights 1 to 10 and due times, in hours, drawn from `seed`. Smith's rule (shortest time for its weight first) is best in
 * the first objective, Jackson's (earliest due first) in the second, so both ends of the front are known.
 */
export function singleMachine(jobs: number, seed: number): SingleMachine {
  const rng = seededRng(seed)
  const whole = (most: number) => 1 + Math.floor(rng.next() * most)
  const hours = Array.from({ length: jobs }, () => whole(20))
  const weights = Array.from({ length: jobs }, () => whole(10))
  const dueAt = Array.from({ length: jobs }, () => whole(12 * jobs))
  const evaluate = (order: Int32Array, f: Float64Array) => {
    let [end, weighted, latest] = [0, 0, -Infinity]
    for (const job of order) {
      end += hours[job]!
      weighted += weights[job]! * end
      latest = Math.max(latest, end - dueAt[job]!)
    }
    f[0] = weighted
    f[1] = latest
  }
  const ordered = (key: (job: number) => number) =>
    Int32Array.from([...hours.keys()].sort((a, b) => key(a) - key(b) || a - b))
  return {
    name: `single machine, ${jobs} jobs`,
    objectiveCount: 2,
    genome: permutation({ length: jobs }),
    evaluate,
    smith: ordered((job) => hours[job]! / weights[job]!),
    jackson: ordered((job) => dueAt[job]!),
  }
}

export type SingleMachine = Problem<Int32Array> & {
  readonly name: string
  /** Best in the first objective. */
  readonly smith: Int32Array
  /** Best in the second. */
  readonly jackson: Int32Array
}

/**
 * Which things go into one knapsack, two values each (Zitzler and Thiele 1999): minimises the value left out, under a limit
 * of half the weight. Weights and values 10 to 100, drawn from `seed`.
 */
export function knapsack(things: number, seed: number): Problem<Int32Array> & { readonly name: string } {
  const rng = seededRng(seed)
  const draw = () => Float64Array.from({ length: things }, () => 10 + Math.floor(rng.next() * 91))
  const [weights, first, second] = [draw(), draw(), draw()]
  const limit = weights.reduce((sum, weight) => sum + weight, 0) / 2
  return {
    name: `knapsack, ${things} things`,
    objectiveCount: 2,
    genome: integer({ lower: new Int32Array(things), upper: new Int32Array(things).fill(1), of: 'choices' }),
    evaluate(taken, f) {
      let [weight, left, alsoLeft] = [0, 0, 0]
      for (let i = 0; i < things; i++) {
        if (taken[i] === 1) weight += weights[i]!
        else {
          left += first[i]!
          alsoLeft += second[i]!
        }
      }
      f[0] = left
      f[1] = alsoLeft
      return Math.max(0, weight - limit)
    },
  }
}
