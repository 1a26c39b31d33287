import type { Instant, JobId } from '@fog/kernel'
import { advanceJob, type CountDelta, isOver, type Job } from '@fog/scheduler'
import type { FogEvent, Transaction } from '../ports.ts'

/**
 * Adds what changed to the counts of jobs, and carries on the life of each that follows from them. `failures` are the
 * sentences of tasks that just failed. Answers the events, for the caller to append.
 */
export async function addJobCounts(
  tx: Transaction,
  deltas: readonly CountDelta[],
  failures: ReadonlyMap<JobId, string>,
  at: Instant,
): Promise<FogEvent[]> {
  const changes = deltas.filter(isAnyChange)
  if (changes.length === 0) return []
  const events: FogEvent[] = []
  for (const job of await tx.jobs.addCounts(changes)) {
    const failure = failures.get(job.jobId)
    const next = advanceJob(job, failure === undefined ? { at } : { at, failure })
    if (next === job) continue
    await tx.jobs.saveJob(next)
    if (next.status !== job.status) events.push(jobEvent(next, at))
    if (isOver(next)) tx.wake('settle')
  }
  return events
}

function isAnyChange({ queued, running, done, failed, cancelled }: CountDelta): boolean {
  return queued !== 0 || running !== 0 || done !== 0 || failed !== 0 || cancelled !== 0
}

function jobEvent({ jobId, accountId, status, counts, failure }: Job, at: Instant): FogEvent {
  const { done, failed } = counts
  const type = status === 'running' ? 'job.started' : `job.${status}`
  const reason = failure === undefined ? {} : { reason: failure }
  return { type, at, accountId, jobId, data: isOver({ status }) ? { done, failed, ...reason } : {} }
}
