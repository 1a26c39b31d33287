import {
  bnh,
  c1dtlz1,
  dtlz1,
  dtlz2,
  dtlz7,
  type TestProblem,
  tnk,
  trueFront,
  zdt1,
  zdt2,
  zdt3,
  zdt4,
  zdt6,
} from '@fog/scheduler/nsga2/testing'

export interface Trial {
  readonly problem: TestProblem
  readonly reference: readonly number[]
  /** Median hypervolume of other libraries with their usual settings. */
  readonly bar?: number
  /** Points of the true front, where it is known in closed form. */
  readonly truth?: Float64Array
}

const ONES = [1.1, 1.1]

/** The problems with a bar, then those that only show how the engine does. */
export const TRIALS: readonly Trial[] = [
  { problem: zdt1, reference: ONES, bar: 0.86956, truth: trueFront(zdt1, 0, 1000) },
  { problem: zdt2, reference: ONES, bar: 0.53624, truth: trueFront(zdt2, 0, 1000) },
  { problem: zdt3, reference: ONES, bar: 1.32768, truth: trueFront(zdt3, 0, 4000) },
  { problem: zdt4, reference: ONES, bar: 0.86585, truth: trueFront(zdt4, 0, 1000) },
  { problem: zdt6, reference: ONES, bar: 0.49557, truth: trueFront(zdt6, 0, 4000) },
  { problem: dtlz2(3), reference: [1.1, 1.1, 1.1], bar: 0.70544, truth: trueFront(dtlz2(3), 0.5, 40) },
  { problem: dtlz1(3), reference: [0.55, 0.55, 0.55], truth: trueFront(dtlz1(3), 0.5, 40) },
  { problem: dtlz7(3), reference: [1.1, 1.1, 6.6] },
  { problem: bnh, reference: [150, 55] },
  { problem: tnk, reference: ONES },
  { problem: c1dtlz1(2), reference: [0.55, 0.55], truth: trueFront(dtlz1(2), 0.5, 1000) },
]
