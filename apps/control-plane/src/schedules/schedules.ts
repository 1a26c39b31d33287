import type { JobSubmission } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { newId, type ScheduleId } from '@fog/kernel'
import { prepareSubmission } from '../flows/prepare-job.ts'
import { isSecret } from '../flows/secrecy.ts'
import { refuseImpossible, type Submitter } from '../flows/submit-job.ts'
import type { Platform } from '../platform.ts'
import type { Schedule } from '../schedule-store.ts'
import { CronTimes } from './cron-times.ts'
import { ScheduleError } from './schedule-error.ts'

/** So many an account may have: each is looked at whenever it is due. */
export const MAX_SCHEDULES = 100

export interface NewSchedule {
  readonly name?: string | undefined
  readonly cron: string
  readonly timezone?: string | undefined
  readonly catchUp?: Schedule['catchUp'] | undefined
  readonly overlap?: Schedule['overlap'] | undefined
  readonly job: JobSubmission
}

/** Takes a schedule in. What would keep its job from being taken is said now, and not at three in the night. */
export async function addSchedule(
  platform: Platform,
  submitter: Submitter,
  wanted: NewSchedule,
  reach: Reach = 'direct',
): Promise<Schedule> {
  const { database, clock, rng } = platform
  const { cron, timezone = 'UTC', catchUp = 'skip', overlap = 'skip', job } = wanted
  if (isSecret(job)) throw new ScheduleError({ code: 'schedule.secret' })
  if (job.deadline !== undefined) throw new ScheduleError({ code: 'schedule.fixed_deadline' })
  const nextAt = new CronTimes({ cron, timezone }).after(clock.now())
  if (nextAt === undefined) throw new ScheduleError({ code: 'schedule.never_due', cron })
  refuseImpossible(await prepareSubmission(platform, submitter.accountId, job, reach))
  return database.transact(async (tx) => {
    // Two requests at once must not both be the last one allowed.
    await tx.quotas.lock(submitter.accountId)
    const { accountId, userId: createdBy } = submitter
    if ((await tx.schedules.countOf(accountId)) >= MAX_SCHEDULES) {
      throw new ScheduleError({ code: 'schedule.too_many', limit: MAX_SCHEDULES })
    }
    const createdAt = clock.now()
    const scheduleId = newId('schedule', createdAt, rng)
    const times = { cron, timezone, catchUp, overlap, nextAt }
    const name = wanted.name ?? job.name
    const whole = {
      scheduleId,
      accountId,
      createdBy,
      name,
      ...times,
      submission: job,
      status: 'active',
      createdAt,
    } as const
    await tx.schedules.add(whole)
    return whole
  })
}

/** Pauses or resumes. What was due while it was paused is not made up for. */
export async function setScheduleStatus(
  { database, clock }: Platform,
  scheduleId: ScheduleId,
  status: Schedule['status'],
): Promise<Schedule> {
  return database.transact(async (tx) => {
    const schedule = await tx.schedules.findForUpdate(scheduleId)
    if (!schedule) throw new ScheduleError({ code: 'schedule.not_found', scheduleId })
    if (schedule.status === status) return schedule
    const nextAt = status === 'active' ? new CronTimes(schedule).after(clock.now()) : undefined
    const next = { ...schedule, status, nextAt }
    await tx.schedules.save(next)
    return next
  })
}
