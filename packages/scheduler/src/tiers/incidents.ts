import type { Instant, JobId, TaskId } from '@fog/kernel'
import type { JobSpec } from '../job.ts'
import type { Attempt, Task } from '../task.ts'
import { TIER_TERMS, type TierTerms } from '../tier.ts'

/** What a tier promises about each task. `runStretch` is undefined where it cannot be told. */
export type Promises = Pick<TierTerms, 'queueWaitP95Ms' | 'restartMs'> & { readonly runStretch: number | undefined }

/** A task and all attempts at it. */
interface Tried {
  readonly task: Task
  readonly attempts: readonly Attempt[]
}

/** What is promised about the tasks of a job. How long a program takes that may sleep says nothing of its node. */
export function promisesOf({ tier, maySleep }: Pick<JobSpec, 'tier' | 'maySleep'>): Promises {
  const { queueWaitP95Ms, restartMs, runStretch } = TIER_TERMS[tier]
  return { queueWaitP95Ms, restartMs, runStretch: maySleep === false ? runStretch : undefined }
}

export type PromiseKind = 'queue_wait' | 'restart' | 'run_stretch'

/** A restart, or a promise that was not kept. Kept for good: credits and the figures of each tier come of them. */
export interface Incident {
  readonly taskId: TaskId
  readonly jobId: JobId
  readonly kind: PromiseKind
  /** The attempt it is about: the one that was lost, or the one that took too long; 0 for the wait in the queue. */
  readonly fence: number
  readonly at: Instant
  /** Milliseconds; of `run_stretch` thousandths of the time on an idle node. */
  readonly measured: number
  /** What was promised, in the same unit; undefined where nothing was. */
  readonly bound: number | undefined
  readonly broken: boolean
}

/**
 * A run is called stretched only when it took this much longer than promised: what the sandbox needs to begin and the
 * steps of the clock would otherwise break the promise of every task of a few milliseconds.
 */
export const STRETCH_GRACE_MS = 500

/** What came to light with one step of a task's life. Pure: a log played again finds the same. */
export function incidentsOf(before: Tried, after: Tried, promises: Promises): Incident[] {
  const [changed] = after.attempts
  if (!changed) return []
  const known = before.attempts.find(({ attemptId }) => attemptId === changed.attemptId)
  const hasBegun = changed.startedAt !== undefined && known?.startedAt === undefined
  return [
    ...(hasBegun ? waitOf(before.task, changed, promises) : []),
    ...(hasBegun ? restartOf(before, changed, promises) : []),
    ...stretchOf(after.task, [...after.attempts, ...before.attempts], promises),
  ]
}

/** The incident of a task that has waited too long already, whenever it will begin. */
export function overdueWait(task: Task, at: Instant, boundMs: number): Incident {
  return {
    ...about(task),
    kind: 'queue_wait',
    fence: 0,
    at,
    measured: at - task.queuedAt,
    bound: boundMs,
    broken: true,
  }
}

function waitOf(task: Task, { startedAt }: Attempt, { queueWaitP95Ms: bound }: Promises): Incident[] {
  if (task.startedAt !== undefined || startedAt === undefined || bound === undefined) return []
  return startedAt - task.queuedAt > bound ? [overdueWait(task, startedAt, bound)] : []
}

/** The first attempt that begins after another was interrupted makes up for it. */
function restartOf({ task, attempts }: Tried, begun: Attempt, { restartMs }: Promises): Incident[] {
  const at = begun.startedAt!
  const others = attempts.filter(({ attemptId }) => attemptId !== begun.attemptId)
  const interrupted = others.filter((attempt) => wasInterrupted(attempt) && !isMadeUpFor(attempt, others))
  return interrupted.map((attempt) => {
    const measured = Math.max(0, at - interruptedAt(attempt))
    const broken = restartMs !== undefined && measured > restartMs
    return { ...about(task), kind: 'restart', fence: attempt.fence, at, measured, bound: restartMs, broken }
  })
}

function wasInterrupted({ status, startedAt }: Attempt): boolean {
  return startedAt !== undefined && (status === 'lost' || status === 'returned' || status === 'preempted')
}

function isMadeUpFor(interrupted: Attempt, others: readonly Attempt[]): boolean {
  const ended = interrupted.endedAt ?? interrupted.leasedAt
  return others.some(
    ({ fence, startedAt }) => fence > interrupted.fence && startedAt !== undefined && startedAt >= ended,
  )
}

/** A lost attempt stopped when its node was heard of last, not when its lease ended. */
export function interruptedAt({ status, leasedAt, endedAt, leaseExpiresAt, leaseMs }: Attempt): Instant {
  const ended = endedAt ?? leasedAt
  if (status !== 'lost' || leaseMs === undefined) return ended
  return Math.max(leasedAt, Math.min(ended, leaseExpiresAt - leaseMs))
}

/** A program that never sleeps waits for nobody, so on an idle node the time it takes is the processor's time it uses. */
function stretchOf(task: Task, attempts: readonly Attempt[], { runStretch }: Promises): Incident[] {
  if (task.status !== 'done' || runStretch === undefined) return []
  const accepted = attempts.find(({ attemptId }) => attemptId === task.acceptedAttemptId)
  const report = accepted?.report
  if (!accepted || !report || report.cpuMs <= 0) return []
  if (report.wallMs <= report.cpuMs * runStretch + STRETCH_GRACE_MS) return []
  const measured = Math.round((report.wallMs / report.cpuMs) * 1000)
  const bound = Math.round(runStretch * 1000)
  const at = accepted.endedAt ?? accepted.leasedAt
  return [{ ...about(task), kind: 'run_stretch', fence: accepted.fence, at, measured, bound, broken: true }]
}

function about({ taskId, jobId }: Task): { readonly taskId: TaskId; readonly jobId: JobId } {
  return { taskId, jobId }
}
