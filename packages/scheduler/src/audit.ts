import type { Job, TaskCounts } from './job.ts'
import type { TaskWithAttempts } from './job-store.ts'
import { auditSteps } from './audit-steps.ts'
import { countTasks, isBlocked, isLive, isOpen, isOver } from './states.ts'
import type { JobStep } from './steps.ts'

/** What is wrong with a job as it is stored, in sentences; empty when all is well. */
export function auditJob(job: Job, tasks: readonly TaskWithAttempts[], steps: readonly JobStep[] = []): string[] {
  const own = tasks.map(({ task }) => task)
  const faults = [...tasks.flatMap(auditTask), ...auditSteps(job, own, steps)]
  const counted = countTasks(own)
  const open = counted.queued + counted.running
  if (tasks.length !== job.tasks) faults.push(`${job.jobId} has ${tasks.length} tasks, not the ${job.tasks} it says`)
  if (!sameCounts(counted, job.counts)) {
    faults.push(`${job.jobId} counts ${show(job.counts)}, its tasks are ${show(counted)}`)
  }
  if (isOver(job) && open > 0) faults.push(`${job.jobId} is ${job.status} with ${open} open tasks`)
  if (!isOver(job) && open === 0) faults.push(`${job.jobId} is ${job.status} without an open task`)
  if (job.settled && !isOver(job)) faults.push(`${job.jobId} is settled while ${job.status}`)
  return faults
}

function auditTask({ task, attempts }: TaskWithAttempts): string[] {
  const faults: string[] = []
  const live = attempts.filter(isLive)
  if (attempts.length !== task.attempts) {
    faults.push(`${task.taskId} has ${attempts.length} attempts, not the ${task.attempts} it says`)
  }
  if (new Set(attempts.map(({ fence }) => fence)).size !== attempts.length) {
    faults.push(`${task.taskId} has two attempts with one fence`)
  }
  if (isOpen(task) && isBlocked(task)) {
    if (task.pending > 0 || task.attempts > 0) faults.push(`${task.taskId} waits for others and is placed all the same`)
    return faults
  }
  if (isOpen(task)) {
    if (live.length === 0 && task.pending === 0) faults.push(`${task.taskId} is open, but nothing works on it`)
    return faults
  }
  if (live.length > 0) faults.push(`${task.taskId} is ${task.status} with ${live.length} live attempts`)
  if (task.pending !== 0) faults.push(`${task.taskId} is ${task.status} and still wants ${task.pending} placements`)
  const accepted = attempts.find(({ attemptId }) => attemptId === task.acceptedAttemptId)
  if (task.status === 'done' && accepted?.status !== 'reported') {
    faults.push(`${task.taskId} is done without an accepted report`)
  }
  if (task.status === 'failed' && !task.failure) faults.push(`${task.taskId} failed without a reason`)
  return faults
}

function sameCounts(a: TaskCounts, b: TaskCounts): boolean {
  return show(a) === show(b)
}

function show({ queued, running, done, failed, cancelled }: TaskCounts): string {
  return `queued ${queued}, running ${running}, done ${done}, failed ${failed}, cancelled ${cancelled}`
}
