import type { AttemptId, Instant, JobId, MemoryDatabase, MemoryTable, TaskId } from '@fog/kernel'
import type { Job } from '../job.ts'
import { SortedIndex } from '../sorted-index.ts'
import { isOver } from '../states.ts'
import type { Attempt, Task } from '../task.ts'
import { type Tier, TIERS } from '../tier.ts'
import type { Incident } from './incidents.ts'
import { percentile, type TierMeasure } from './measure.ts'
import type { LiveAttempt, TaskOfJob, TierStore } from './tier-store.ts'

/** What the memory twin shares with the store it is part of. */
export interface MemoryTierTables {
  readonly jobs: MemoryTable<JobId, Job>
  readonly tasks: MemoryTable<TaskId, Task>
  readonly attempts: MemoryTable<AttemptId, Attempt>
  /** Live attempts. */
  readonly live: () => Iterable<Attempt>
  /** Tasks of a tier that want a placement. */
  readonly queue: (tier: Tier) => Iterable<Task>
  /** A job as the step of a task sees it. */
  readonly narrow: (task: Task, job: Job) => Job
}

/** The memory twin. Measuring looks at everything there ever was: it is for tests and simulations. */
export class MemoryTierStore implements TierStore {
  readonly #tables: MemoryTierTables
  readonly #incidents: MemoryTable<string, Incident>
  readonly #byJob = new SortedIndex<JobId, Incident>((incident) => incident.jobId, byPlace)

  constructor(database: MemoryDatabase, tables: MemoryTierTables) {
    this.#tables = tables
    this.#incidents = database.table((before, after) => this.#byJob.follow(before, after))
  }

  async listLive(tiers: readonly Tier[]): Promise<LiveAttempt[]> {
    const { tasks, live } = this.#tables
    const found: LiveAttempt[] = []
    for (const attempt of live()) {
      const task = tasks.get(attempt.taskId)!
      const job = this.#jobOf(task)
      if (tiers.includes(job.spec.tier)) found.push({ attempt, task, job: this.#tables.narrow(task, job) })
    }
    return found.sort((a, b) => (a.attempt.attemptId < b.attempt.attemptId ? -1 : 1))
  }

  async listYielding(limit: number): Promise<Attempt[]> {
    return [...this.#tables.live()]
      .filter(({ yieldBy }) => yieldBy !== undefined)
      .sort((a, b) => a.yieldBy! - b.yieldBy! || (a.attemptId < b.attemptId ? -1 : 1))
      .slice(0, limit)
  }

  async listOverdueWaits(tier: Tier, queuedBefore: Instant, limit: number): Promise<TaskOfJob[]> {
    const found: TaskOfJob[] = []
    for (const task of this.#tables.queue(tier)) {
      const job = this.#jobOf(task)
      if (task.queuedAt >= queuedBefore || task.startedAt !== undefined || isOver(job)) continue
      if (this.#incidents.has(keyOf({ taskId: task.taskId, kind: 'queue_wait', fence: 0 }))) continue
      found.push({ task, job: this.#tables.narrow(task, job) })
    }
    return found.sort((a, b) => a.task.queuedAt - b.task.queuedAt || byTaskId(a.task, b.task)).slice(0, limit)
  }

  async addIncidents(incidents: readonly Incident[]): Promise<Incident[]> {
    const added: Incident[] = []
    for (const incident of incidents) {
      const key = keyOf(incident)
      if (this.#incidents.has(key)) continue
      this.#incidents.set(key, incident)
      added.push(incident)
    }
    return added
  }

  async listIncidents(jobId: JobId): Promise<Incident[]> {
    return this.#byJob.values(jobId)
  }

  async measure(since: Instant): Promise<TierMeasure[]> {
    return TIERS.map((tier) => this.#measureOne(tier, since))
  }

  async takeOwing(limit: number): Promise<Job[]> {
    return [...this.#tables.jobs.values()]
      .filter(({ credit, creditPaid }) => credit !== undefined && (creditPaid ?? 0n) < credit)
      .sort((a, b) => (a.finishedAt ?? 0) - (b.finishedAt ?? 0) || (a.jobId < b.jobId ? -1 : 1))
      .slice(0, limit)
  }

  #measureOne(tier: Tier, since: Instant): TierMeasure {
    const { tasks, attempts } = this.#tables
    const isOfTier = ({ jobId }: { readonly jobId: JobId }) => this.#tables.jobs.get(jobId)?.spec.tier === tier
    const started = [...tasks.values()].filter((task) => (task.startedAt ?? -1) >= since && isOfTier(task))
    const waits = sorted(started.map(({ startedAt, queuedAt }) => startedAt! - queuedAt))
    const incidents = [...this.#incidents.values()].filter((each) => each.at >= since && isOfTier(each))
    const restarts = sorted(incidents.filter(({ kind }) => kind === 'restart').map(({ measured }) => measured))
    const broken = (kind: Incident['kind']) => incidents.filter((each) => each.kind === kind && each.broken).length
    const preempted = [...attempts.values()].filter(
      (each) => each.status === 'preempted' && (each.endedAt ?? 0) >= since && isOfTier(each),
    )
    return {
      tier,
      started: started.length,
      waitP50Ms: percentile(waits, 0.5),
      waitP95Ms: percentile(waits, 0.95),
      waitP99Ms: percentile(waits, 0.99),
      restarts: restarts.length,
      restartP95Ms: percentile(restarts, 0.95),
      restartMaxMs: restarts.at(-1),
      preempted: preempted.length,
      broken: { queueWait: broken('queue_wait'), restart: broken('restart'), runStretch: broken('run_stretch') },
    }
  }

  #jobOf({ jobId }: Task): Job {
    return this.#tables.jobs.get(jobId)!
  }
}

function keyOf({ taskId, kind, fence }: Pick<Incident, 'taskId' | 'kind' | 'fence'>): string {
  return `${taskId} ${kind} ${fence}`
}

function byPlace(a: Incident, b: Incident): number {
  return byTaskId(a, b) || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.fence - b.fence)
}

function byTaskId(a: { readonly taskId: TaskId }, b: { readonly taskId: TaskId }): number {
  return a.taskId < b.taskId ? -1 : a.taskId > b.taskId ? 1 : 0
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}
