import { real } from '../real.ts'
import type { TestProblem } from './zdt.ts'

/**
 * Problems for any number m of objectives of Deb, Thiele, Laumanns and Zitzler, "Scalable test problems for evolutionary
 * multiobjective optimization" (2005), with the paper's number of variables: m - 1 for the place on the front and k for the
 * distance to it.
 */

/** The plane whose objectives sum to a half, behind 11^5 - 1 local ones. k = 5. */
export function dtlz1(objectives: number): TestProblem {
  return dtlz('DTLZ1', objectives, 5, (x, f) => {
    const g = 100 * rugged(x, objectives - 1, 5)
    for (let i = 0; i < objectives; i++) {
      let value = 0.5 * (1 + g)
      for (let j = 0; j < objectives - 1 - i; j++) value *= x[j]!
      f[i] = i > 0 ? value * (1 - x[objectives - 1 - i]!) : value
    }
  })
}

/** The part of the unit sphere with no coordinate below zero. k = 10. */
export function dtlz2(objectives: number): TestProblem {
  return dtlz('DTLZ2', objectives, 10, (x, f) => {
    let g = 0
    for (let i = objectives - 1; i < x.length; i++) g += (x[i]! - 0.5) ** 2
    for (let i = 0; i < objectives; i++) {
      let value = 1 + g
      for (let j = 0; j < objectives - 1 - i; j++) value *= Math.cos((x[j]! * Math.PI) / 2)
      f[i] = i > 0 ? value * Math.sin((x[objectives - 1 - i]! * Math.PI) / 2) : value
    }
  })
}

/** A front in 2^(m-1) pieces. k = 20. */
export function dtlz7(objectives: number): TestProblem {
  return dtlz('DTLZ7', objectives, 20, (x, f) => {
    let sum = 0
    for (let i = objectives - 1; i < x.length; i++) sum += x[i]!
    const g = 1 + (9 * sum) / 20
    let h = objectives
    for (let i = 0; i < objectives - 1; i++) {
      f[i] = x[i]!
      h -= (x[i]! / (1 + g)) * (1 + Math.sin(3 * Math.PI * x[i]!))
    }
    f[objectives - 1] = (1 + g) * h
  })
}

/** C1-DTLZ1 of Jain and Deb, "An evolutionary many-objective optimization algorithm, part II" (2014): a corridor to the front. */
export function c1dtlz1(objectives: number): TestProblem {
  const plain = dtlz1(objectives)
  return {
    ...plain,
    name: 'C1-DTLZ1',
    evaluate(x, f) {
      plain.evaluate(x, f)
      let room = 1 - f[objectives - 1]! / 0.6
      for (let i = 0; i < objectives - 1; i++) room -= f[i]! / 0.5
      return Math.max(0, -room)
    },
  }
}

function rugged(x: Float64Array, from: number, k: number): number {
  let sum = k
  for (let i = from; i < x.length; i++) sum += (x[i]! - 0.5) ** 2 - Math.cos(20 * Math.PI * (x[i]! - 0.5))
  return sum
}

function dtlz(name: string, objectives: number, k: number, evaluate: TestProblem['evaluate']): TestProblem {
  const variables = objectives - 1 + k
  const genome = real({ lower: Array<number>(variables).fill(0), upper: Array<number>(variables).fill(1) })
  return { name, objectiveCount: objectives, genome, evaluate }
}
