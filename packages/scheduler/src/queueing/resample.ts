import { randomBelow, seededRng } from '@fog/kernel'
import type { Trace } from './rigid-job.ts'

const WEEK_SECONDS = 7 * 24 * 3600
/** Arrivals move by up to so much, so that no second repeats. */
const SHIFT_SECONDS = 300

/**
 * Another history of the same machine: as many weeks, drawn anew from those that were, up to 6 % closer together or further
 * apart. A policy that only fits the one history there is does worse on these.
 */
export function resample({ name, processors, jobs }: Trace, seed: number): Trace {
  const rng = seededRng(seed)
  const weeks = [...Map.groupBy(jobs, ({ submittedAt }) => Math.floor(submittedAt / WEEK_SECONDS))]
  const load = 0.94 + 0.12 * rng.next()
  const drawn = weeks.flatMap((_, i) => {
    const [week, ofWeek] = weeks[randomBelow(rng, weeks.length)]!
    return ofWeek.map((job) => {
      const at = (job.submittedAt + (i - week) * WEEK_SECONDS) / load
      return { ...job, submittedAt: Math.round(at + SHIFT_SECONDS * (1 + rng.next())) }
    })
  })
  drawn.sort((a, b) => a.submittedAt - b.submittedAt || a.jobNumber - b.jobNumber)
  const numbered = drawn.map((job, i) => ({ ...job, jobNumber: i + 1 }))
  return { name: `${name} resampled (seed ${seed})`, processors, jobs: numbered }
}
