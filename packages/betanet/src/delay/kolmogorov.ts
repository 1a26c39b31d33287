import { assert } from '@fog/kernel'
import { CAP_IN_MEANS } from './delay-source.ts'

/** A distribution: P(X <= x), and P(X < x) where the two differ because it has steps. */
export interface Distribution {
  upTo(x: number): number
  below(x: number): number
}

export interface KsTest {
  readonly samples: number
  /** The largest distance between the samples' distribution and the one expected. */
  readonly statistic: number
  /** How likely samples of the expected distribution are to lie at least this far off. */
  readonly pValue: number
}

/**
 * Kolmogorov and Smirnov's one-sample test. For distributions with steps the p-value errs towards accepting (Conover 1972), by
 * less the finer the steps.
 */
export function ksTest(samples: readonly number[], expected: Distribution): KsTest {
  assert(samples.length > 0, 'a test needs samples')
  const sorted = Float64Array.from(samples).sort()
  const n = sorted.length
  let statistic = 0
  for (let from = 0; from < n;) {
    const x = sorted[from]!
    let to = from + 1
    while (to < n && sorted[to] === x) to++
    // Equal samples are one step of the samples' distribution.
    const gap = Math.max(Math.abs(to / n - expected.upTo(x)), Math.abs(expected.below(x) - from / n))
    statistic = Math.max(statistic, gap)
    from = to
  }
  return { samples: n, statistic, pValue: ksPValue(statistic, n) }
}

/** The asymptotic distribution with Stephens' correction for small n (1970): good to about 1e-3 from n = 10 on. */
export function ksPValue(statistic: number, samples: number): number {
  const root = Math.sqrt(samples)
  const lambda = (root + 0.12 + 0.11 / root) * statistic
  // Below this the series needs hundreds of terms to say one.
  if (lambda < 0.2) return 1
  let sum = 0
  for (let k = 1; k <= 100; k++) {
    const term = Math.exp(-2 * k * k * lambda * lambda)
    sum += k % 2 === 1 ? term : -term
    if (term < 1e-16) break
  }
  return Math.min(1, Math.max(0, 2 * sum))
}

/** The exponential distribution as it is. */
export function exponential(mean: number): Distribution {
  const upTo = (x: number) => (x <= 0 ? 0 : -Math.expm1(-x / mean))
  return { upTo, below: upTo }
}

/** The exponential given that it is below `most`: what is left when larger values are thrown away. */
export function truncatedExponential(mean: number, most: number): Distribution {
  const whole = exponential(mean)
  const upTo = (x: number) => (x >= most ? 1 : whole.upTo(x) / whole.upTo(most))
  return { upTo, below: upTo }
}

/** Delays as they are made: whole steps, the nearest, and all beyond the cap at the cap. */
export function steppedExponential(meanSteps: number): Distribution {
  const whole = exponential(meanSteps)
  const cap = CAP_IN_MEANS * meanSteps
  return {
    upTo: (steps) => (steps >= cap ? 1 : steps < 0 ? 0 : whole.upTo(Math.floor(steps) + 0.5)),
    below: (steps) => (steps > cap ? 1 : whole.upTo(Math.ceil(steps) - 0.5)),
  }
}
