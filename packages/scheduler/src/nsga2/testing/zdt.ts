import type { Problem } from '../problem.ts'
import { real } from '../real.ts'

/**
 * Two-objective problems of Zitzler, Deb and Thiele, "Comparison of multiobjective evolutionary algorithms: empirical
 * results" (2000), with the paper's number of variables. All are minimised; the true fronts are those with g = 1.
 */
export type TestProblem = Problem<Float64Array> & { readonly name: string }

/** Convex front f2 = 1 - sqrt(f1). */
export const zdt1: TestProblem = zdt('ZDT1', 30, linear, (x, g) => 1 - Math.sqrt(x / g))

/** Concave front f2 = 1 - f1². */
export const zdt2: TestProblem = zdt('ZDT2', 30, linear, (x, g) => 1 - (x / g) ** 2)

/** A front in five pieces. */
export const zdt3: TestProblem = zdt('ZDT3', 30, linear, (x, g) => {
  return 1 - Math.sqrt(x / g) - (x / g) * Math.sin(10 * Math.PI * x)
})

/** The front of ZDT1 behind 21^9 local ones. The nine other variables lie in [-5, 5]. */
export const zdt4: TestProblem = {
  name: 'ZDT4',
  objectiveCount: 2,
  genome: real({ lower: [0, ...Array<number>(9).fill(-5)], upper: [1, ...Array<number>(9).fill(5)] }),
  evaluate(x, f) {
    let g = 91
    for (let i = 1; i < 10; i++) g += x[i]! ** 2 - 10 * Math.cos(4 * Math.PI * x[i]!)
    f[0] = x[0]!
    f[1] = g * (1 - Math.sqrt(x[0]! / g))
  },
}

/** A concave front on which, and towards which, solutions grow rare. */
export const zdt6: TestProblem = {
  name: 'ZDT6',
  objectiveCount: 2,
  genome: real({ lower: Array<number>(10).fill(0), upper: Array<number>(10).fill(1) }),
  evaluate(x, f) {
    let sum = 0
    for (let i = 1; i < 10; i++) sum += x[i]!
    const g = 1 + 9 * (sum / 9) ** 0.25
    f[0] = 1 - Math.exp(-4 * x[0]!) * Math.sin(6 * Math.PI * x[0]!) ** 6
    f[1] = g * (1 - (f[0] / g) ** 2)
  },
}

function linear(x: Float64Array): number {
  let sum = 0
  for (let i = 1; i < x.length; i++) sum += x[i]!
  return 1 + (9 * sum) / (x.length - 1)
}

function zdt(
  name: string,
  variables: number,
  distance: (x: Float64Array) => number,
  shape: (x: number, g: number) => number,
): TestProblem {
  return {
    name,
    objectiveCount: 2,
    genome: real({ lower: Array<number>(variables).fill(0), upper: Array<number>(variables).fill(1) }),
    evaluate(x, f) {
      const g = distance(x)
      f[0] = x[0]!
      f[1] = g * shape(x[0]!, g)
    },
  }
}
