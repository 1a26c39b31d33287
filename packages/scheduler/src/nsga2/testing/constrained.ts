import { real } from '../real.ts'
import type { TestProblem } from './zdt.ts'

/**
 * Binh and Korn, "MOBES: a multiobjective evolution strategy for constrained optimization problems" (1997). The true front
 * has x0 = x1 up to 3, then x1 = 3.
 */
export const bnh: TestProblem = {
  name: 'BNH',
  objectiveCount: 2,
  genome: real({ lower: [0, 0], upper: [5, 3] }),
  evaluate(x, f) {
    const [a, b] = [x[0]!, x[1]!]
    f[0] = 4 * a ** 2 + 4 * b ** 2
    f[1] = (a - 5) ** 2 + (b - 5) ** 2
    return Math.max(0, (a - 5) ** 2 + b ** 2 - 25) + Math.max(0, 7.7 - (a - 8) ** 2 - (b + 3) ** 2)
  },
}

/** Tanaka, Watanabe, Furukawa and Tanino (1995): the front lies on a wavy constraint, in three pieces. */
export const tnk: TestProblem = {
  name: 'TNK',
  objectiveCount: 2,
  genome: real({ lower: [0, 0], upper: [Math.PI, Math.PI] }),
  evaluate(x, f) {
    const [a, b] = [x[0]!, x[1]!]
    f[0] = a
    f[1] = b
    const wave = 1 + 0.1 * Math.cos(16 * Math.atan2(a, b))
    return Math.max(0, wave - a ** 2 - b ** 2) + Math.max(0, (a - 0.5) ** 2 + (b - 0.5) ** 2 - 0.5)
  },
}
