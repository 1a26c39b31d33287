import type { Instant, JobId } from '@fog/kernel'
import type { InputFile, TaskCounts } from './job.ts'
import type { JobStep, TaskSpan } from './steps.ts'
import type { Failure } from './task.ts'

/** How the steps of jobs stand, and the tasks that wait for others. Part of `JobStore`; its rules hold here too. */
export interface StepStore {
  /** In the order of jobs and places; a job of one program has none. */
  list(jobIds: readonly JobId[]): Promise<JobStep[]>
  /** Adds each delta to its step's counts and answers the steps as they then stand, locked, in the order of jobs and places. */
  addCounts(deltas: readonly StepDelta[]): Promise<JobStep[]>
  /** Adds inputs that all tasks of a step share. */
  share(jobId: JobId, step: number, inputs: readonly InputFile[]): Promise<void>
  /**
   * Takes one from what each of these tasks waits for and gives it inputs; one that waits for nothing more is queued. At most
   * one release a task in a call. Answers those that were queued; a task that ended meanwhile is left as it is.
   */
  release(releases: readonly Release[], at: Instant): Promise<{ readonly jobId: JobId; readonly index: number }[]>
  /** The same for a whole span of tasks, without inputs of their own. Answers how many were queued. */
  releaseSpan(jobId: JobId, span: TaskSpan, at: Instant): Promise<number>
  /** Ends the tasks of a span that still wait for others, and answers how many. Those that do not are left as they are. */
  endBlocked(jobId: JobId, span: TaskSpan, end: BlockedEnd): Promise<number>
}

export interface StepDelta extends TaskCounts {
  readonly jobId: JobId
  readonly step: number
  readonly waiting: number
}

export interface Release {
  readonly jobId: JobId
  readonly index: number
  readonly inputs: readonly InputFile[]
}

export interface BlockedEnd {
  readonly status: 'failed' | 'cancelled'
  readonly failure?: Failure | undefined
  readonly at: Instant
}
