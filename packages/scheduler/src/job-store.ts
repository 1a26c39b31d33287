import type { AccountId, Amount, AttemptId, GatewayId, Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import type { Job, JobStatus, TaskCounts } from './job.ts'
import type { StepStore } from './step-store.ts'
import type { JobStep } from './steps.ts'
import type { Attempt, Report, Task, TaskStatus } from './task.ts'
import type { Tier } from './tier.ts'
import type { RunStore } from './prediction/run-history.ts'
import type { TierStore } from './tiers/tier-store.ts'

/** Where jobs, tasks and attempts are kept. Used inside a transaction; rows taken for change stay locked until its end. */
export interface JobStore {
  /** `steps` where the job has several. */
  addJob(job: Job, tasks: readonly Task[], steps?: readonly JobStep[]): Promise<void>
  /** How the steps of jobs stand, and what of them waits. */
  readonly steps: StepStore
  /** What tiers promised, and what came of it. */
  readonly tiers: TierStore
  /** What past runs tell of those to come. */
  readonly runs: RunStore
  findJob(jobId: JobId): Promise<Job | undefined>
  /** In no order; unknown ids are left out. */
  findJobs(jobIds: readonly JobId[]): Promise<Job[]>
  findJobForUpdate(jobId: JobId): Promise<Job | undefined>
  /** Newest first; `before` is the last id of the page before. */
  listJobs(filter: JobFilter): Promise<Job[]>
  /** Of these, the secret ones. */
  secretAmong(jobIds: readonly JobId[]): Promise<Set<JobId>>
  saveJob(job: Job): Promise<void>
  /**
   * Adds each delta to its job's counts, in the order of job ids, and answers the jobs as they then stand, locked.
   * A batch of many tasks costs one statement.
   */
  addCounts(deltas: readonly CountDelta[]): Promise<Job[]>

  /**
   * Tasks that want a placement (`pending > 0`, `notBefore <= now`, job not over); locked, and those another scheduler has
   * locked are skipped. Best tier first; what has aged (`isAged`) comes between Gold and Silver, oldest first. Within a tier
   * the accounts take turns, in a turn the nearest deadline first, then the oldest; an account's own go by priority, then the nearest deadline,
   * then age, then index. With many lines each gives up at most `lineLimit`. With each task, its job as its step sees it
   * (`jobByTask`) and the attempts it had. Tasks of the jobs in `except` are left out: they were looked at and have to wait.
   */
  takeQueued(now: Instant, limit: number, except?: readonly JobId[]): Promise<QueuedTask[]>
  /** Locked in the order of ids. Unknown ids are left out. */
  findTasksForUpdate(taskIds: readonly TaskId[]): Promise<TaskWithAttempts[]>
  /** Every task of a job that is not over and waits for no other, locked in the order of ids. */
  findOpenTasksForUpdate(jobId: JobId): Promise<TaskWithAttempts[]>
  saveTasks(tasks: readonly Task[]): Promise<void>
  addAttempts(attempts: readonly Attempt[]): Promise<void>
  saveAttempts(attempts: readonly Attempt[]): Promise<void>

  findTask(taskId: TaskId): Promise<TaskWithAttempts | undefined>
  /** By index; `after` is the last index of the page before. */
  listTasks(filter: TaskFilter): Promise<Task[]>
  /** Of the whole job, by task index and fence. */
  listAttempts(jobId: JobId): Promise<Attempt[]>
  findAttempt(attemptId: AttemptId): Promise<Attempt | undefined>
  /** In no order; unknown ids are left out. */
  findAttempts(attemptIds: readonly AttemptId[]): Promise<Attempt[]>

  /** Leased attempts on these nodes that no gateway has sent yet, oldest lease first. The jobs as each task's step sees them. */
  listUndispatched(nodeIds: readonly NodeId[], limit: number): Promise<Dispatch[]>
  markDispatched(attemptIds: readonly AttemptId[], gatewayId: GatewayId): Promise<void>
  /** Attempts that hold a lease on the node, dispatched or not. */
  listLive(nodeId: NodeId): Promise<Attempt[]>
  /**
   * Pushes leases on to `leaseMs`, or where the attempt has a `leaseMs` of its own to that, after its node was heard of;
   * answers those that are still live. A lease is never shortened.
   */
  renewLeases(heard: readonly Heard[], leaseMs: number): Promise<AttemptId[]>
  /** Live attempts whose lease ended before `now`, oldest first. */
  listExpired(now: Instant, limit: number): Promise<Attempt[]>

  /**
   * What an account has open now, and what its jobs since an instant cost: at most, while they are not settled. Without an
   * instant that is not asked, as it takes a look at every job since, and the cost is nought.
   */
  usageOf(accountId: AccountId, since?: Instant): Promise<AccountUsage>
  /** What the live attempts of these accounts' jobs take, in thousandths of a core; accounts without any are left out. */
  cpuInUse(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>>
  /** Jobs that are not over and whose deadline has passed, the longest past first. */
  listOverdue(now: Instant, limit: number): Promise<Job[]>
  /**
   * Results of done tasks that agree with the accepted one, that included: what is paid. By task index, then fence; `limit`
   * counts tasks, `after` is the last index of the page before.
   */
  listAgreed(filter: {
    readonly jobId: JobId
    readonly after?: number | undefined
    readonly limit: number
  }): Promise<AgreedResult[]>

  /** Finished jobs whose hold is still open, oldest first, locked; those locked by another are skipped. */
  takeUnsettled(limit: number): Promise<Job[]>

  /** Queued and running tasks, without those that wait for others, and when the oldest queued one was queued: one row for each tier, best first. */
  queueDepth(): Promise<QueueDepth[]>
  /** Empty when all is well; used by simulations and audits. */
  auditJobs(): Promise<string[]>
}

/** When the node of an attempt was heard of last. */
export interface Heard {
  readonly attemptId: AttemptId
  readonly at: Instant
}

export interface AccountUsage {
  readonly openJobs: number
  /** Queued and running, those that wait for others too. */
  readonly openTasks: number
  readonly cost: Amount
}

export interface JobFilter {
  readonly accountId?: AccountId | undefined
  readonly status?: JobStatus | undefined
  /** Only secret jobs, or only others; all of them unless said. */
  readonly secret?: boolean | undefined
  readonly before?: JobId | undefined
  readonly limit: number
}

export interface TaskFilter {
  readonly jobId: JobId
  readonly status?: TaskStatus | undefined
  readonly after?: number | undefined
  readonly limit: number
}

export interface CountDelta extends TaskCounts {
  readonly jobId: JobId
}

export interface TaskWithAttempts {
  readonly task: Task
  /** By fence. */
  readonly attempts: readonly Attempt[]
}

export interface QueuedTask extends TaskWithAttempts {
  readonly job: Job
}

export interface Dispatch {
  readonly attempt: Attempt
  readonly task: Task
  readonly job: Job
}

export interface AgreedResult {
  readonly task: Task
  readonly attempt: Attempt & { readonly report: Report }
}

export interface QueueDepth {
  readonly tier: Tier
  readonly queued: number
  readonly running: number
  readonly oldestQueuedAt: Instant | undefined
}
