import type { Instant } from '@fog/kernel'
import type { QueuedTask } from '@fog/scheduler'
import type { Transaction } from '../ports.ts'

/**
 * A window of the queue with its gangs whole: where the window cut one in two, the rest of it is read too. A gang is what one
 * step of a job wants now.
 */
export async function readWholeGangs(
  { jobs }: Pick<Transaction, 'jobs'>,
  queue: readonly QueuedTask[],
  now: Instant,
): Promise<readonly QueuedTask[]> {
  const known = new Set(queue.map(({ task }) => task.taskId))
  const more: QueuedTask[] = []
  for (const [, gang] of Map.groupBy(queue, gangKey)) {
    const [{ job }] = gang as [QueuedTask]
    if (!job.spec.gang || gang.length >= job.counts.queued) continue
    const { first, tasks } = job.spec.step ?? { first: 0, tasks: job.tasks }
    for (const each of await jobs.findOpenTasksForUpdate(job.jobId)) {
      const { index, taskId, pending, notBefore } = each.task
      const isOfIt = index >= first && index < first + tasks && pending > 0 && notBefore <= now
      if (isOfIt && !known.has(taskId)) more.push({ ...each, job })
    }
  }
  return more.length === 0 ? queue : [...queue, ...more]
}

/** What of a window may be placed, without the gangs of which a part may not. */
export function onlyWholeGangs(whole: readonly QueuedTask[], allowed: readonly QueuedTask[]): readonly QueuedTask[] {
  if (allowed.length === whole.length) return allowed
  const counts = new Map<string, number>()
  for (const queued of whole)
    if (queued.job.spec.gang) counts.set(gangKey(queued), (counts.get(gangKey(queued)) ?? 0) + 1)
  const left = Map.groupBy(allowed, gangKey)
  return allowed.filter((queued) => {
    const wanted = counts.get(gangKey(queued))
    return wanted === undefined || left.get(gangKey(queued))!.length === wanted
  })
}

function gangKey({ job }: QueuedTask): string {
  return `${job.jobId} ${job.spec.step?.name ?? ''}`
}
