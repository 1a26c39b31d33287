import { FogError } from '@fog/kernel'

/** A question to the optimiser that has no answer. All of them are mistakes of the program that asks. */
export class Nsga2Error extends FogError<
  | { code: 'nsga2.not_a_number'; what: string; point: number }
  | { code: 'nsga2.not_finite'; what: string; point: number }
  | { code: 'nsga2.wrong_shape'; what: string; expected: string; found: number }
  | { code: 'nsga2.bad_option'; option: string; expected: string; found: string }
> {
  static override readonly texts = {
    'nsga2.not_a_number': {
      says: '{what} of point {point} is not a number, so it cannot be compared.',
      fix: 'Give what cannot be evaluated a constraint violation, or Infinity as its objective.',
    },
    'nsga2.not_finite': {
      says: '{what} of point {point} is not finite.',
      fix: 'Bound it: a point at minus infinity dominates without end.',
    },
    'nsga2.wrong_shape': {
      says: '{what} must be {expected}, not {found}.',
      fix: 'Pass n points as one flat array, the objectives of each beside each other.',
    },
    'nsga2.bad_option': {
      says: '{option} must be {expected}, not {found}.',
      fix: 'See the documentation of the option for its unit and range.',
    },
  }
}

/** How many points a flat array holds. */
export function countPoints(objectives: Float64Array, objectiveCount: number): number {
  if (!Number.isInteger(objectiveCount) || objectiveCount < 1) {
    const expected = 'a whole number from 1 on'
    throw new Nsga2Error({ code: 'nsga2.wrong_shape', what: 'objectiveCount', expected, found: objectiveCount })
  }
  if (objectives.length % objectiveCount !== 0) {
    const expected = `a multiple of ${objectiveCount} long`
    throw new Nsga2Error({ code: 'nsga2.wrong_shape', what: 'objectives', expected, found: objectives.length })
  }
  return objectives.length / objectiveCount
}

/** Infinity compares as a number; NaN is neither better nor worse than anything, so no order can hold with it. */
export function checkComparable(values: Float64Array, width: number, count: number, what: string): void {
  for (let i = 0, end = count * width; i < end; i++) {
    const value = values[i]!
    // eslint-disable-next-line no-self-compare -- only NaN differs from itself, and this runs for each generation.
    if (value !== value) throw new Nsga2Error({ code: 'nsga2.not_a_number', what, point: Math.floor(i / width) })
  }
}
