import type { AccountId, AttemptId, GatewayId, Instant, JobId, MemoryTable, NodeId, TaskId } from '@fog/kernel'
import { amount, assert, MemoryDatabase } from '@fog/kernel'
import { agreedOf } from './agreed.ts'
import { auditJob } from './audit.ts'
import type { Job } from './job.ts'
import type {
  AccountUsage,
  AgreedResult,
  CountDelta,
  Dispatch,
  Heard,
  JobFilter,
  JobStore,
  QueuedTask,
  QueueDepth,
  TaskFilter,
  TaskWithAttempts,
} from './job-store.ts'
import { MemoryStepStore } from './memory-step-store.ts'
import { MemoryQueue } from './memory-queue.ts'
import { MemoryRunStore } from './prediction/memory-run-store.ts'
import { SortedIndex } from './sorted-index.ts'
import { isBlocked, isLive, isOpen, isOver, sumCounts } from './states.ts'
import { cpuMilliOf, jobByTask, type JobStep } from './steps.ts'
import type { Attempt, Task } from './task.ts'
import type { Tier } from './tier.ts'
import { TIERS } from './tier.ts'
import { MemoryTierStore } from './tiers/memory-tier-store.ts'

/** The memory twin: one transaction at a time, every ordered question answered by an index. */
export class MemoryJobStore implements JobStore {
  readonly steps: MemoryStepStore
  readonly tiers: MemoryTierStore
  readonly runs: MemoryRunStore
  readonly #jobs: MemoryTable<JobId, Job>
  readonly #tasks: MemoryTable<TaskId, Task>
  readonly #attempts: MemoryTable<AttemptId, Attempt>
  readonly #dispatchedBy: MemoryTable<AttemptId, GatewayId>

  readonly #jobsById = new SortedIndex<'all', Job>(() => 'all', byJobId)
  readonly #jobsByAccount = new SortedIndex<AccountId, Job>((job) => job.accountId, byJobId)
  readonly #openByAccount = new SortedIndex<AccountId, Job>((it) => (isOver(it) ? undefined : it.accountId), byJobId)
  readonly #due = new SortedIndex<'all', Job>(
    (it) => (it.deadlineAt === undefined || isOver(it) ? undefined : 'all'),
    byDeadline,
  )
  readonly #unsettled = new SortedIndex<'all', Job>((job) => (isOver(job) && !job.settled ? 'all' : undefined), byEnd)

  readonly #tasksByJob = new SortedIndex<JobId, Task>((task) => task.jobId, byIndex)
  readonly #openByJob = new SortedIndex<JobId, Task>(
    (task) => (isOpen(task) && !isBlocked(task) ? task.jobId : undefined),
    byTaskId,
  )
  readonly #queue = new SortedIndex<Tier, Task>(
    (task) => (task.pending > 0 ? this.#tierOf(task) : undefined),
    (a, b) => this.#byUrgency(a, b),
  )
  readonly #standing = new SortedIndex<string, Task>(
    (task) => (isOpen(task) && !isBlocked(task) ? `${this.#tierOf(task)} ${task.status}` : undefined),
    byAge,
  )

  readonly #lines = new MemoryQueue({
    jobOf: (task) => this.#jobOf(task),
    oldest: (tier) => this.#standing.get(`${tier} queued`).values(),
  })

  readonly #attemptsByTask = new SortedIndex<TaskId, Attempt>((attempt) => attempt.taskId, byFence)
  readonly #liveByNode = new SortedIndex<NodeId, Attempt>((it) => (isLive(it) ? it.nodeId : undefined), byLease)
  readonly #expiring = new SortedIndex<'all', Attempt>((it) => (isLive(it) ? 'all' : undefined), byExpiry)

  constructor(database: MemoryDatabase = new MemoryDatabase()) {
    const jobIndexes = [this.#jobsById, this.#jobsByAccount, this.#openByAccount, this.#due, this.#unsettled]
    const taskIndexes = [this.#tasksByJob, this.#openByJob, this.#queue, this.#standing, this.#lines]
    const attemptIndexes = [this.#attemptsByTask, this.#liveByNode, this.#expiring]
    this.#jobs = database.table((before, after) => jobIndexes.forEach((index) => index.follow(before, after)))
    this.#tasks = database.table((before, after) => taskIndexes.forEach((index) => index.follow(before, after)))
    this.#attempts = database.table((before, after) => attemptIndexes.forEach((index) => index.follow(before, after)))
    this.#dispatchedBy = database.table()
    this.steps = new MemoryStepStore(database, { tasks: this.#tasks, byJob: this.#tasksByJob })
    this.runs = new MemoryRunStore(database)
    this.tiers = new MemoryTierStore(database, {
      jobs: this.#jobs,
      tasks: this.#tasks,
      attempts: this.#attempts,
      live: () => this.#expiring.get('all').values(),
      queue: (tier) => this.#queue.get(tier).values(),
      narrow: (task, job) => this.#narrowing()(task, job),
    })
  }

  async addJob(job: Job, tasks: readonly Task[], steps: readonly JobStep[] = []): Promise<void> {
    assert(!this.#jobs.has(job.jobId), `${job.jobId} was added before`)
    this.#jobs.set(job.jobId, job)
    for (const task of tasks) {
      assert(!this.#tasks.has(task.taskId), `${task.taskId} was added before`)
      this.#tasks.set(task.taskId, task)
    }
    this.steps.add(steps)
  }

  async findJob(jobId: JobId): Promise<Job | undefined> {
    return this.#jobs.get(jobId)
  }

  async findJobs(jobIds: readonly JobId[]): Promise<Job[]> {
    return [...new Set(jobIds)].flatMap((jobId) => this.#jobs.get(jobId) ?? [])
  }

  findJobForUpdate(jobId: JobId): Promise<Job | undefined> {
    return this.findJob(jobId)
  }

  async listJobs({ accountId, status, secret, before, limit }: JobFilter): Promise<Job[]> {
    const jobs = accountId ? this.#jobsByAccount.get(accountId) : this.#jobsById.get('all')
    return jobs
      .valuesDown((job) => before === undefined || job.jobId < before)
      .filter((job) => status === undefined || job.status === status)
      .filter(({ spec }) => secret === undefined || (spec.privacy === 'secret') === secret)
      .take(limit)
      .toArray()
  }

  async secretAmong(jobIds: readonly JobId[]): Promise<Set<JobId>> {
    return new Set(jobIds.filter((jobId) => this.#jobs.get(jobId)?.spec.privacy === 'secret'))
  }

  async saveJob(job: Job): Promise<void> {
    assert(this.#jobs.has(job.jobId), `${job.jobId} was never added`)
    this.#jobs.set(job.jobId, job)
  }

  async addCounts(deltas: readonly CountDelta[]): Promise<Job[]> {
    for (const delta of deltas) {
      const job = this.#jobs.get(delta.jobId)
      if (job) this.#jobs.set(job.jobId, { ...job, counts: sumCounts(job.counts, delta) })
    }
    return this.#existing(
      this.#jobs,
      deltas.map(({ jobId }) => jobId),
    )
  }

  async takeQueued(now: Instant, limit: number, except: readonly JobId[] = []): Promise<QueuedTask[]> {
    const passedOver = new Set(except)
    const narrow = this.#narrowing()
    const isReady = (task: Task) => task.notBefore <= now && !passedOver.has(task.jobId) && !isOver(this.#jobOf(task))
    return this.#lines
      .next(now, limit, isReady)
      .map((task) => ({ ...this.#withAttempts(task), job: narrow(task, this.#jobOf(task)) }))
  }

  async findTasksForUpdate(taskIds: readonly TaskId[]): Promise<TaskWithAttempts[]> {
    return this.#existing(this.#tasks, taskIds).map((task) => this.#withAttempts(task))
  }

  async findOpenTasksForUpdate(jobId: JobId): Promise<TaskWithAttempts[]> {
    return this.#openByJob.values(jobId).map((task) => this.#withAttempts(task))
  }

  async saveTasks(tasks: readonly Task[]): Promise<void> {
    for (const task of tasks) {
      assert(this.#tasks.has(task.taskId), `${task.taskId} was never added`)
      this.#tasks.set(task.taskId, task)
    }
  }

  async addAttempts(attempts: readonly Attempt[]): Promise<void> {
    for (const attempt of attempts) {
      assert(!this.#attempts.has(attempt.attemptId), `${attempt.attemptId} was added before`)
      this.#attempts.set(attempt.attemptId, attempt)
    }
  }

  async saveAttempts(attempts: readonly Attempt[]): Promise<void> {
    for (const attempt of attempts) {
      assert(this.#attempts.has(attempt.attemptId), `${attempt.attemptId} was never added`)
      this.#attempts.set(attempt.attemptId, attempt)
    }
  }

  async findTask(taskId: TaskId): Promise<TaskWithAttempts | undefined> {
    const task = this.#tasks.get(taskId)
    return task && this.#withAttempts(task)
  }

  async listTasks({ jobId, status, after, limit }: TaskFilter): Promise<Task[]> {
    return this.#tasksByJob
      .get(jobId)
      .values((task) => after !== undefined && task.index <= after)
      .filter((task) => status === undefined || task.status === status)
      .take(limit)
      .toArray()
  }

  async listAttempts(jobId: JobId): Promise<Attempt[]> {
    return this.#tasksByJob.values(jobId).flatMap((task) => this.#attemptsByTask.values(task.taskId))
  }

  async findAttempt(attemptId: AttemptId): Promise<Attempt | undefined> {
    return this.#attempts.get(attemptId)
  }

  async findAttempts(attemptIds: readonly AttemptId[]): Promise<Attempt[]> {
    return attemptIds.flatMap((attemptId) => this.#attempts.get(attemptId) ?? [])
  }

  async listUndispatched(nodeIds: readonly NodeId[], limit: number): Promise<Dispatch[]> {
    const narrow = this.#narrowing()
    return nodeIds
      .flatMap((nodeId) => this.#liveByNode.values(nodeId))
      .filter((attempt) => attempt.status === 'leased' && !this.#dispatchedBy.has(attempt.attemptId))
      .sort(byLease)
      .slice(0, limit)
      .map((attempt) => {
        const task = this.#tasks.get(attempt.taskId)!
        return { attempt, task, job: narrow(task, this.#jobOf(task)) }
      })
  }

  async markDispatched(attemptIds: readonly AttemptId[], gatewayId: GatewayId): Promise<void> {
    for (const attemptId of attemptIds) this.#dispatchedBy.set(attemptId, gatewayId)
  }

  async listLive(nodeId: NodeId): Promise<Attempt[]> {
    return this.#liveByNode.values(nodeId)
  }

  async renewLeases(heard: readonly Heard[], leaseMs: number): Promise<AttemptId[]> {
    const at = new Map(heard.map((each) => [each.attemptId, each.at]))
    const live = this.#existing(this.#attempts, [...at.keys()]).filter(isLive)
    for (const attempt of live) {
      const leaseExpiresAt = at.get(attempt.attemptId)! + (attempt.leaseMs ?? leaseMs)
      if (attempt.leaseExpiresAt < leaseExpiresAt) this.#attempts.set(attempt.attemptId, { ...attempt, leaseExpiresAt })
    }
    return live.map(({ attemptId }) => attemptId)
  }

  async listExpired(now: Instant, limit: number): Promise<Attempt[]> {
    const expired: Attempt[] = []
    for (const attempt of this.#expiring.get('all').values()) {
      if (expired.length >= limit || attempt.leaseExpiresAt >= now) break
      expired.push(attempt)
    }
    return expired
  }

  async usageOf(accountId: AccountId, since = Infinity): Promise<AccountUsage> {
    const open = this.#openByAccount.get(accountId)
    let [openTasks, cost] = [0, 0n]
    for (const { counts } of open.values()) openTasks += counts.queued + counts.running
    for (const job of this.#jobsByAccount.get(accountId).values()) {
      if (job.submittedAt >= since) cost += job.cost ?? job.priceCap
    }
    return { openJobs: open.size, openTasks, cost: amount(cost) }
  }

  async cpuInUse(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>> {
    const inUse = new Map<AccountId, number>()
    for (const { taskId } of this.#expiring.get('all').values()) {
      const task = this.#tasks.get(taskId)!
      const { accountId, spec } = this.#jobOf(task)
      if (accountIds.includes(accountId)) {
        inUse.set(accountId, (inUse.get(accountId) ?? 0) + cpuMilliOf(spec, task.index))
      }
    }
    return inUse
  }

  async listOverdue(now: Instant, limit: number): Promise<Job[]> {
    const overdue: Job[] = []
    for (const job of this.#due.get('all').values()) {
      if (overdue.length >= limit || job.deadlineAt! > now) break
      overdue.push(job)
    }
    return overdue
  }

  async listAgreed(filter: {
    readonly jobId: JobId
    readonly after?: number | undefined
    readonly limit: number
  }): Promise<AgreedResult[]> {
    const done = await this.listTasks({ ...filter, status: 'done' })
    return done.flatMap((task) => agreedOf(task, this.#attemptsByTask.values(task.taskId)))
  }

  async takeUnsettled(limit: number): Promise<Job[]> {
    return this.#unsettled.get('all').values().take(limit).toArray()
  }

  async queueDepth(): Promise<QueueDepth[]> {
    return TIERS.map((tier) => {
      const queued = this.#standing.get(`${tier} queued`)
      const running = this.#standing.get(`${tier} running`)
      return { tier, queued: queued.size, running: running.size, oldestQueuedAt: queued.first?.queuedAt }
    })
  }

  async auditJobs(): Promise<string[]> {
    return [...this.#jobs.values()].flatMap((job) =>
      auditJob(
        job,
        this.#tasksByJob.values(job.jobId).map((task) => this.#withAttempts(task)),
        this.steps.of(job.jobId),
      ),
    )
  }

  /** In the order of ids, each once. */
  #existing<Key extends string, Row>(table: MemoryTable<Key, Row>, keys: readonly Key[]): Row[] {
    return [...new Set(keys)].sort(compareText).flatMap((key) => table.get(key) ?? [])
  }

  #withAttempts(task: Task): TaskWithAttempts {
    // Most were never placed, which spares the look.
    return { task, attempts: task.attempts === 0 ? [] : this.#attemptsByTask.values(task.taskId) }
  }

  #jobOf(task: Task): Job {
    const job = this.#jobs.get(task.jobId)
    assert(job, `${task.taskId} has no job`)
    return job
  }

  /** Jobs as their tasks' steps see them, each made once. */
  #narrowing(): (task: Task, job: Job) => Job {
    const known = new Map<JobId, (index: number) => Job>()
    return (task, job) => {
      if (!job.spec.steps) return job
      const byTask = known.get(job.jobId) ?? jobByTask(job, this.steps.of(job.jobId))
      known.set(job.jobId, byTask)
      return byTask(task.index)
    }
  }

  #byUrgency(a: Task, b: Task): number {
    const [first, second] = [this.#jobOf(a).deadlineAt ?? Infinity, this.#jobOf(b).deadlineAt ?? Infinity]
    return first === second ? byAge(a, b) : first - second
  }

  #tierOf(task: Task): Tier {
    return this.#jobOf(task).spec.tier
  }
}

const byJobId = (a: Job, b: Job) => compareText(a.jobId, b.jobId)
const byEnd = (a: Job, b: Job) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0) || byJobId(a, b)
const byDeadline = (a: Job, b: Job) => (a.deadlineAt ?? 0) - (b.deadlineAt ?? 0) || byJobId(a, b)
const byTaskId = (a: Task, b: Task) => compareText(a.taskId, b.taskId)
const byIndex = (a: Task, b: Task) => a.index - b.index || byTaskId(a, b)
const byAge = (a: Task, b: Task) => a.queuedAt - b.queuedAt || a.index - b.index || byTaskId(a, b)
const byFence = (a: Attempt, b: Attempt) => a.fence - b.fence || byAttemptId(a, b)
const byAttemptId = (a: Attempt, b: Attempt) => compareText(a.attemptId, b.attemptId)
const byLease = (a: Attempt, b: Attempt) => a.leasedAt - b.leasedAt || byAttemptId(a, b)
const byExpiry = (a: Attempt, b: Attempt) => a.leaseExpiresAt - b.leaseExpiresAt || byAttemptId(a, b)

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
