import type { JobId } from '@fog/kernel'
import { isOver, type Job, SchedulerError } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { endOpenTasks } from './end-open-tasks.ts'

/** Ends a job early: open tasks are cancelled and stopped on their nodes, done ones are paid, the rest comes back. */
export async function cancelJob(platform: Platform, jobId: JobId): Promise<Job> {
  return platform.database.transact(async (tx) => {
    const job = await tx.jobs.findJob(jobId)
    if (!job) throw new SchedulerError({ code: 'job.not_found', jobId })
    if (isOver(job)) throw new SchedulerError({ code: 'job.over', jobId, status: job.status })
    const at = platform.clock.now()
    await endOpenTasks(platform, tx, job, { type: 'cancelled', at })
    return (await tx.jobs.findJob(jobId)) ?? job
  })
}
