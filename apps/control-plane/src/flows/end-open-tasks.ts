import { type BlockedEnd, failureSentence, type Job, NO_COUNTS, type StepDelta, type TaskEvent } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { addJobCounts } from './add-job-counts.ts'
import { advanceTasks } from './advance-tasks.ts'

type EndEvent = Extract<TaskEvent, { type: 'cancelled' | 'stopped' }>

/**
 * Ends every task of a job that is not over. Those that wait for others are ended after those they wait for: whoever holds
 * a running task may be about to release one that waits. What was released meanwhile is ended in a second round.
 */
export async function endOpenTasks(platform: Platform, tx: Transaction, job: Job, event: EndEvent): Promise<void> {
  for (;;) {
    const open = await tx.jobs.findOpenTasksForUpdate(job.jobId)
    const changes = open.map(({ task }) => ({ taskId: task.taskId, event }))
    const locked = open.map((each) => ({ ...each, job }))
    if (open.length > 0) await advanceTasks(platform, tx, changes, { locked })
    if (!job.spec.steps) return
    const ended = await endWaiting(tx, job, event)
    if (open.length === 0 && ended === 0) return
  }
}

async function endWaiting(tx: Transaction, job: Job, event: EndEvent): Promise<number> {
  const status = event.type === 'cancelled' ? 'cancelled' : 'failed'
  const end: BlockedEnd = { status, at: event.at, ...(event.type === 'stopped' && { failure: event.failure }) }
  const { jobId } = job
  const deltas: StepDelta[] = []
  for (const [step, span] of job.spec.steps!.entries()) {
    const ended = await tx.jobs.steps.endBlocked(jobId, span, end)
    if (ended === 0) continue
    deltas.push({ jobId, step, ...NO_COUNTS, waiting: -ended, queued: -ended, [status]: ended })
  }
  if (deltas.length === 0) return 0
  await tx.jobs.steps.addCounts(deltas)
  const failures = new Map(event.type === 'stopped' ? [[jobId, failureSentence(event.failure)]] : [])
  await tx.events.append(await addJobCounts(tx, deltas, failures, event.at))
  tx.wake('events')
  return deltas.reduce((sum, { waiting }) => sum - waiting, 0)
}
