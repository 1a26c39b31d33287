import { toRfc3339 } from '@fog/kernel'
import { isOver, type Job } from '@fog/scheduler'
import type { Batch, Platform } from '../platform.ts'
import { endOpenTasks } from './end-open-tasks.ts'

const MOST = 16

/** Stops jobs whose deadline has passed: what is done stays and is paid, what is not done fails, the rest of the hold comes back. */
export async function stopOverdue(platform: Platform): Promise<Batch> {
  const { database, clock } = platform
  const overdue = await database.read.jobs.listOverdue(clock.now(), MOST)
  for (const job of overdue) await stopJob(platform, job)
  return { next: overdue.length === MOST ? 'more' : 'idle', count: overdue.length }
}

async function stopJob(platform: Platform, { jobId }: Job): Promise<void> {
  await platform.database.transact(async (tx) => {
    const job = await tx.jobs.findJob(jobId)
    if (!job || isOver(job)) return
    const detail = `it was ${toRfc3339(job.deadlineAt ?? platform.clock.now())}`
    const failure = { reason: 'deadline_passed', detail } as const
    await endOpenTasks(platform, tx, job, { type: 'stopped', at: platform.clock.now(), failure })
  })
}
