import type { BodyOf, JobSubmission, routes } from '@fog/contract'
import { type NextTimes, nextTimes } from '../../format/next-times.ts'

/** When a job is submitted again and again, as a form holds it. */
export interface Repeat {
  readonly cron: string
  readonly timezone: string
  readonly overlap: 'skip' | 'allow'
  readonly catchUp: 'skip' | 'one'
}

/** Every night at three, by the clock of this device. */
export function usualRepeat(): Repeat {
  return {
    cron: '0 3 * * *',
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    overlap: 'skip',
    catchUp: 'skip',
  }
}

export interface RepeatFaults {
  readonly cron?: string
  readonly timezone?: string
}

/** What keeps it from being a schedule; nothing when it can be one. */
export function repeatFaults(repeat: Repeat, now: number): RepeatFaults {
  const next = repeatTimes(repeat, now, 1)
  if (!next.ok) return { [next.field]: next.why }
  return next.times.length === 0 ? { cron: 'This is never due.' } : {}
}

/** When it is due next. */
export function repeatTimes({ cron, timezone }: Repeat, now: number, count: number): NextTimes {
  return nextTimes({ cron: cron.trim(), timezone: timezone.trim() }, now, count)
}

export function scheduleOf(
  { cron, timezone, ...rest }: Repeat,
  job: JobSubmission,
): BodyOf<(typeof routes)['addSchedule']> {
  return { cron: cron.trim(), timezone: timezone.trim(), ...rest, job }
}
