import type { Instant, JobId } from '@fog/kernel'
import type { Job } from '../job.ts'
import type { Attempt, Task } from '../task.ts'
import type { Tier } from '../tier.ts'
import type { Incident } from './incidents.ts'
import type { TierMeasure } from './measure.ts'

/** A task and its job, as the task's step sees it. */
export interface TaskOfJob {
  readonly task: Task
  readonly job: Job
}

export interface LiveAttempt extends TaskOfJob {
  readonly attempt: Attempt
}

/** What tiers promised and what came of it. Part of `JobStore`; its rules hold here too. */
export interface TierStore {
  /** Live attempts of jobs of these tiers, in the order of ids. The jobs as each task's step sees them. */
  listLive(tiers: readonly Tier[]): Promise<LiveAttempt[]>
  /** Live attempts that were asked to make room, the first to have to first. */
  listYielding(limit: number): Promise<Attempt[]>
  /**
   * Tasks of a tier that want a placement, never began, were queued before `queuedBefore` and have no incident about that
   * yet; oldest first.
   */
  listOverdueWaits(tier: Tier, queuedBefore: Instant, limit: number): Promise<TaskOfJob[]>
  /** Keeps incidents; one that is there already (of its task, kind and fence) is left as it is. Answers those that were new. */
  addIncidents(incidents: readonly Incident[]): Promise<Incident[]>
  /** Of a job, by task, kind and fence. */
  listIncidents(jobId: JobId): Promise<Incident[]>
  /** What happened in each tier from `since` on: one row a tier, best first. */
  measure(since: Instant): Promise<TierMeasure[]>
  /** Settled jobs whose credit the treasury has not paid whole, oldest first, locked; those locked by another are skipped. */
  takeOwing(limit: number): Promise<Job[]>
}
