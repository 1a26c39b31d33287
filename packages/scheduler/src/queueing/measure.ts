import type { RanJob } from './rigid-job.ts'

/** Below this run time a job's slowdown is counted as if it ran so long: else a job of a second drowns all others. */
export const BOUND_SECONDS = 10

export interface Spread {
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** How a set of jobs fared. */
export interface Fared {
  readonly jobs: number
  readonly boundedSlowdown: Spread
  readonly waitSeconds: Spread
}

/** Wait and run over run, the run counted as at least `BOUND_SECONDS`, and never below 1. */
export function boundedSlowdown({ job, startedAt }: RanJob): number {
  const inSystem = startedAt - job.submittedAt + job.runSeconds
  return Math.max(1, inSystem / Math.max(job.runSeconds, BOUND_SECONDS))
}

export function fared(ran: readonly RanJob[]): Fared {
  return {
    jobs: ran.length,
    boundedSlowdown: spread(ran.map(boundedSlowdown)),
    waitSeconds: spread(ran.map(({ job, startedAt }) => startedAt - job.submittedAt)),
  }
}

/** Upper ends of the width classes: `1`, `2-4`, `5-16`, `17-64`, and all that are wider. */
const WIDTHS = [1, 4, 16, 64, Infinity]

/** How each class of job width fared, the narrowest first; classes without jobs are left out. */
export function faredByWidth(ran: readonly RanJob[]): { readonly width: string; readonly fared: Fared }[] {
  return WIDTHS.flatMap((to, i) => {
    const from = (WIDTHS[i - 1] ?? 0) + 1
    const inClass = ran.filter(({ job }) => job.width >= from && job.width <= to)
    const width = to === Infinity ? `${from} and more` : from === to ? `${to}` : `${from}-${to}`
    return inClass.length === 0 ? [] : [{ width, fared: fared(inClass) }]
  })
}

function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  return { mean, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN }
}
