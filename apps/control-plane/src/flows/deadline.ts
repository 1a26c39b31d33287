import type { JobSubmission } from '@fog/contract'
import type { Instant } from '@fog/kernel'
import { JobError } from './job-error.ts'

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** The instant a submission wants to be over by, if it says. Throws `job.field_invalid`. */
export function deadlineOf({ deadline, within }: JobSubmission, now: Instant): Instant | undefined {
  if (deadline !== undefined && within !== undefined)
    throw invalid('within', 'stands beside deadline; keep one of them')
  if (within !== undefined) return now + durationMs(within)
  if (deadline === undefined) return undefined
  const at = Date.parse(deadline)
  if (Number.isNaN(at)) throw invalid('deadline', 'is no instant that there is')
  return at
}

function durationMs(text: string): number {
  let ms = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([dhms])/g)) ms += Number(count) * UNITS[unit as keyof typeof UNITS]
  return ms
}

function invalid(field: string, why: string): JobError {
  return new JobError({ code: 'job.field_invalid', field, why })
}
