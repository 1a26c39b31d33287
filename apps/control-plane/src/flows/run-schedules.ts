import { FogError, type Instant, isFogError, type JobId } from '@fog/kernel'
import { isOver } from '@fog/scheduler'
import type { Batch, Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import type { Schedule, ScheduleRun } from '../schedule-store.ts'
import { CronTimes } from '../schedules/cron-times.ts'
import { type PreparedJob, prepareSubmission } from './prepare-job.ts'
import { queueJob, refuseImpossible } from './submit-job.ts'

const MOST = 16
/** An instant that passed longer ago than this was missed: nobody was there to submit. */
export const MISSED_AFTER_MS = 60_000

/**
 * Submits the jobs of schedules that are due. The job, the note that its instant had it, and the next instant are one
 * transaction, so an instant has one job even when the control plane dies at any point or two of them run at once.
 */
export async function runSchedules(platform: Platform): Promise<Batch> {
  const { database, clock } = platform
  const due = await database.read.schedules.listDue(clock.now(), MOST)
  const faults: unknown[] = []
  // One that cannot be carried out must not keep the others waiting.
  for (const schedule of due) await runDue(platform, schedule).catch((fault: unknown) => void faults.push(fault))
  if (faults.length > 0) throw faults[0]
  return { next: due.length === MOST ? 'more' : 'idle', count: due.length }
}

/** Submits the job of a schedule at once, whatever its times are; they stay as they were. */
export async function runNow(platform: Platform, schedule: Schedule): Promise<JobId> {
  const prepared = await prepare(platform, schedule)
  return platform.database.transact(async (tx) => {
    const at = platform.clock.now()
    const { jobId } = await queueJob(platform, tx, submitterOf(schedule), prepared)
    await noteRun(tx, schedule, { dueAt: at, at, outcome: 'submitted', jobId })
    return jobId
  })
}

/** What a schedule that is due comes to. */
interface Turn {
  /** The instant that has a job, if any is to have one. */
  readonly dueAt: Instant | undefined
  /** The last of those that passed without one. */
  readonly missedAt: Instant | undefined
  readonly nextAt: Instant | undefined
}

/** Of all that passed only the latest can have a job: several at once would do the same work several times. */
export function turnOf(schedule: Schedule, now: Instant): Turn {
  const times = new CronTimes(schedule)
  const first = schedule.nextAt!
  const latest = times.last(first, now) ?? first
  const isMissed = now - latest > MISSED_AFTER_MS
  const dueAt = isMissed && schedule.catchUp === 'skip' ? undefined : latest
  const before = dueAt === undefined ? latest : latest > first ? times.last(first, latest - 1) : undefined
  return { dueAt, missedAt: before, nextAt: times.after(now) }
}

async function runDue(platform: Platform, schedule: Schedule): Promise<void> {
  const turn = turnOf(schedule, platform.clock.now())
  try {
    const prepared = turn.dueAt === undefined ? undefined : await prepare(platform, schedule)
    await takeTurn(platform, schedule, turn, (tx, current) =>
      turn.dueAt === undefined || !prepared ? undefined : submitRun(platform, tx, current, turn.dueAt, prepared),
    )
  } catch (fault) {
    // What is wrong with the job is said to its owner; what is wrong with us is tried again.
    if (!isFogError(fault) || isOurs(fault)) throw fault
    const reason = fault.message
    await takeTurn(platform, schedule, turn, async () => ({ outcome: 'refused', reason }))
  }
}

async function prepare(platform: Platform, schedule: Schedule): Promise<PreparedJob> {
  // Its content may have come by any way: that was looked at when the schedule was made.
  const prepared = await prepareSubmission(platform, schedule.accountId, schedule.submission, 'mixnet')
  refuseImpossible(prepared)
  return prepared
}

/** Faults of the database or the blob store end by themselves; the instant keeps waiting for its job. */
function isOurs({ code }: FogError): boolean {
  return code.startsWith('database.') || code.startsWith('http.')
}

type Outcome = Pick<ScheduleRun, 'outcome' | 'jobId' | 'reason'>

/** Carries out one turn, unless somebody else did, or the schedule was changed meanwhile. */
async function takeTurn(
  { database, clock }: Platform,
  schedule: Schedule,
  { dueAt, missedAt, nextAt }: Turn,
  run: (tx: Transaction, current: Schedule) => Promise<Outcome> | undefined,
): Promise<void> {
  await database.transact(async (tx) => {
    const current = await tx.schedules.findForUpdate(schedule.scheduleId)
    if (current?.status !== 'active' || current.nextAt !== schedule.nextAt) return
    const at = clock.now()
    if (missedAt !== undefined) {
      const reason = 'The control plane was not there to submit it.'
      await noteRun(tx, current, { dueAt: missedAt, at, outcome: 'missed', reason })
    }
    const outcome = dueAt === undefined ? undefined : await run(tx, current)
    if (dueAt !== undefined && outcome) await noteRun(tx, current, { dueAt, at, ...outcome })
    await tx.schedules.save({ ...current, nextAt })
  })
}

async function submitRun(
  platform: Platform,
  tx: Transaction,
  schedule: Schedule,
  dueAt: Instant,
  prepared: PreparedJob,
): Promise<Outcome> {
  const lastId = await tx.schedules.lastJob(schedule.scheduleId)
  const last = lastId && (await tx.jobs.findJob(lastId))
  if (schedule.overlap === 'skip' && last && !isOver(last)) {
    return { outcome: 'overlapped', reason: `The job before, ${last.jobId}, is not over.` }
  }
  const { jobId } = await queueJob(platform, tx, submitterOf(schedule), prepared)
  platform.log.debug({ scheduleId: schedule.scheduleId, jobId, dueAt }, 'a schedule submitted its job')
  return { outcome: 'submitted', jobId }
}

function submitterOf({ createdBy: userId, accountId }: Schedule) {
  return { userId, accountId }
}

async function noteRun(
  tx: Transaction,
  { scheduleId, accountId, name }: Schedule,
  run: Omit<ScheduleRun, 'scheduleId'>,
): Promise<void> {
  await tx.schedules.addRun({ scheduleId, ...run })
  const { outcome, jobId, reason, at } = run
  const data = { scheduleId, name, ...(reason === undefined ? {} : { reason }) }
  await tx.events.append([{ type: `schedule.${outcome}`, at, accountId, ...(jobId && { jobId }), data }])
  tx.wake('events')
}
