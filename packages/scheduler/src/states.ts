import type { JobStatus, TaskCounts } from './job.ts'
import type { Attempt, Task, TaskStatus } from './task.ts'

/** Whether the attempt holds a lease. */
export function isLive(attempt: Attempt): boolean {
  return attempt.status === 'leased' || attempt.status === 'running'
}

/** Whether the attempt has given, or may yet give, a result that counts: its owner must not work on the task again. */
export function hasVoice(attempt: Attempt): boolean {
  return isLive(attempt) || attempt.status === 'reported'
}

/** Whether the task still wants or does something. */
export function isOpen(task: Task): boolean {
  return isOpenStatus(task.status)
}

/** Whether the task waits for others to end before it can be queued. */
export function isBlocked(task: Task): boolean {
  return (task.blockedBy ?? 0) > 0
}

export function isOpenStatus(status: TaskStatus): boolean {
  return status === 'queued' || status === 'running'
}

/** Whether the job came to its end. */
export function isOver(job: { readonly status: JobStatus }): boolean {
  return job.status === 'succeeded' || job.status === 'failed' || job.status === 'cancelled'
}

export const NO_COUNTS: TaskCounts = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }

export function sumCounts(a: TaskCounts, b: TaskCounts): TaskCounts {
  return {
    queued: a.queued + b.queued,
    running: a.running + b.running,
    done: a.done + b.done,
    failed: a.failed + b.failed,
    cancelled: a.cancelled + b.cancelled,
  }
}

/** What one task that goes from one status to another changes in its job's counts. */
export function countChange(from: TaskStatus, to: TaskStatus): TaskCounts {
  if (from === to) return NO_COUNTS
  return { ...NO_COUNTS, [from]: -1, [to]: 1 }
}

/** How many of these tasks stand where. */
export function countTasks(tasks: Iterable<Task>): TaskCounts {
  const counts: Record<TaskStatus, number> = { ...NO_COUNTS }
  for (const task of tasks) counts[task.status] += 1
  return counts
}
