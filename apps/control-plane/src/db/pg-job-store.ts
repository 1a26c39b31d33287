import { amount, assert } from '@fog/kernel'
import type { AccountId, AttemptId, GatewayId, Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import { agreedOf, auditJob, cpuMilliOf, jobByTask, TIERS } from '@fog/scheduler'
import type {
  AccountUsage,
  AgreedResult,
  Attempt,
  CountDelta,
  Dispatch,
  Heard,
  Job,
  JobFilter,
  JobStep,
  JobStore,
  QueuedTask,
  QueueDepth,
  Task,
  TaskFilter,
  TaskWithAttempts,
} from '@fog/scheduler'
import { sql } from 'kysely'
import {
  ATTEMPT,
  ATTEMPT_KEYS,
  DELTA,
  HEARD,
  JOB,
  JOB_KEYS,
  TASK,
  TASK_KEYS,
  toAttempt,
  toJob,
  toTask,
} from './job-rows.ts'
import { queueTurns } from './queue-turns.ts'
import { PgRunStore } from './pg-run-store.ts'
import { PgStepStore } from './pg-step-store.ts'
import { PgTierStore } from './pg-tier-store.ts'
import { assignmentsOf, namesOf, rowsOf, texts } from './rows.ts'
import type { AttemptRow, Db, JobRow, TaskRow } from './tables.ts'

const OPEN = sql`('queued', 'running')`
const OVER = sql`('succeeded', 'failed', 'cancelled')`
const LIVE = sql`('leased', 'running')`
const AUDIT_PAGE = 100

/** Jobs, tasks and attempts in PostgreSQL. Batches of any size are one statement; queues are partial indexes. */
export class PgJobStore implements JobStore {
  readonly steps: PgStepStore
  readonly tiers: PgTierStore
  readonly runs: PgRunStore
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
    this.steps = new PgStepStore(db)
    this.runs = new PgRunStore(db)
    this.tiers = new PgTierStore(db, {
      tasks: (taskIds) => this.#tasks(taskIds),
      jobs: (jobIds) => this.#narrowed(jobIds),
    })
  }

  async addJob(job: Job, tasks: readonly Task[], steps: readonly JobStep[] = []): Promise<void> {
    const tierRank = TIERS.indexOf(job.spec.tier)
    await sql`INSERT INTO jobs (${namesOf(JOB)}) SELECT * FROM ${rowsOf(JOB, [job])}`.execute(this.#db)
    if (tasks.length === 0) return
    await sql`
      INSERT INTO tasks (${namesOf(TASK)}, tier_rank, deadline_at, account_id, priority)
      SELECT r.*, ${tierRank}::smallint, ${job.deadlineAt ?? null}::bigint, ${job.accountId},
        ${job.spec.priority ?? 0}::smallint
      FROM ${rowsOf(TASK, tasks)}`.execute(this.#db)
    await this.steps.add(steps)
  }

  async findJob(jobId: JobId): Promise<Job | undefined> {
    const row = await this.#db.selectFrom('jobs').selectAll().where('job_id', '=', jobId).executeTakeFirst()
    return row && toJob(row)
  }

  async findJobs(jobIds: readonly JobId[]): Promise<Job[]> {
    return [...(await this.#jobs(jobIds)).values()]
  }

  async findJobForUpdate(jobId: JobId): Promise<Job | undefined> {
    const query = this.#db.selectFrom('jobs').selectAll().where('job_id', '=', jobId).forUpdate()
    const row = await query.executeTakeFirst()
    return row && toJob(row)
  }

  async listJobs({ accountId, status, secret, before, limit }: JobFilter): Promise<Job[]> {
    let query = this.#db.selectFrom('jobs').selectAll().orderBy('job_id', 'desc').limit(limit)
    if (accountId) query = query.where('account_id', '=', accountId)
    if (status) query = query.where('status', '=', status)
    if (secret !== undefined) query = query.where(sql<boolean>`(spec->>'privacy' = 'secret')`, '=', secret)
    if (before) query = query.where('job_id', '<', before)
    return (await query.execute()).map(toJob)
  }

  async secretAmong(jobIds: readonly JobId[]): Promise<Set<JobId>> {
    const { rows } = await sql<{ job_id: JobId }>`
      SELECT job_id FROM jobs WHERE job_id = ANY (${texts(jobIds)}) AND spec->>'privacy' = 'secret'`.execute(this.#db)
    return new Set(rows.map((row) => row.job_id))
  }

  async saveJob(job: Job): Promise<void> {
    const saved = await sql`
      UPDATE jobs SET ${assignmentsOf(JOB, ...JOB_KEYS)} FROM ${rowsOf(JOB, [job])}
      WHERE jobs.job_id = r.job_id`.execute(this.#db)
    assert(saved.numAffectedRows === 1n, `${job.jobId} was never added`)
  }

  async addCounts(deltas: readonly CountDelta[]): Promise<Job[]> {
    if (deltas.length === 0) return []
    const { rows } = await sql<JobRow>`
      UPDATE jobs SET queued = jobs.queued + d.queued, running = jobs.running + d.running, done = jobs.done + d.done,
        failed = jobs.failed + d.failed, cancelled = jobs.cancelled + d.cancelled
      FROM (
        SELECT s.* FROM (
          SELECT job_id, sum(queued)::integer AS queued, sum(running)::integer AS running, sum(done)::integer AS done,
            sum(failed)::integer AS failed, sum(cancelled)::integer AS cancelled
          FROM ${rowsOf(DELTA, deltas)} GROUP BY job_id
        ) s JOIN jobs USING (job_id) ORDER BY jobs.job_id FOR UPDATE OF jobs
      ) d
      WHERE jobs.job_id = d.job_id RETURNING jobs.*`.execute(this.#db)
    return rows.map(toJob).sort((a, b) => (a.jobId < b.jobId ? -1 : 1))
  }

  async takeQueued(now: Instant, limit: number, except: readonly JobId[] = []): Promise<QueuedTask[]> {
    const { rows } = await sql<TaskRow>`
      SELECT tasks.* FROM tasks JOIN ${queueTurns(now, limit, except)} USING (task_id)
      -- Once more, of each row as it is when it is locked: another scheduler may have placed it since.
      WHERE tasks.pending > 0 AND tasks.not_before <= ${now}
      ORDER BY class, turn, due, tasks.queued_at, tasks.task_index, task_id
      FOR UPDATE OF tasks SKIP LOCKED`.execute(this.#db)
    const jobOf = await this.#narrowed(rows.map((row) => row.job_id))
    return (await this.#withAttempts(rows)).map((taken) => ({ ...taken, job: jobOf(taken.task) }))
  }

  async findTasksForUpdate(taskIds: readonly TaskId[]): Promise<TaskWithAttempts[]> {
    if (taskIds.length === 0) return []
    const { rows } = await sql<TaskRow>`
      SELECT * FROM tasks WHERE task_id = ANY (${texts(taskIds)}) ORDER BY task_id FOR UPDATE`.execute(this.#db)
    return this.#withAttempts(rows)
  }

  async findOpenTasksForUpdate(jobId: JobId): Promise<TaskWithAttempts[]> {
    const { rows } = await sql<TaskRow>`
      SELECT * FROM tasks WHERE job_id = ${jobId} AND status IN ${OPEN} AND blocked_by = 0
      ORDER BY task_id FOR UPDATE`.execute(this.#db)
    return this.#withAttempts(rows)
  }

  async saveTasks(tasks: readonly Task[]): Promise<void> {
    if (tasks.length === 0) return
    const saved = await sql`
      UPDATE tasks SET ${assignmentsOf(TASK, ...TASK_KEYS)} FROM ${rowsOf(TASK, tasks)}
      WHERE tasks.task_id = r.task_id`.execute(this.#db)
    assert(saved.numAffectedRows === BigInt(tasks.length), 'a task was saved that was never added')
  }

  async addAttempts(attempts: readonly Attempt[]): Promise<void> {
    if (attempts.length === 0) return
    await sql`
      INSERT INTO attempts (${namesOf(ATTEMPT)}) SELECT * FROM ${rowsOf(ATTEMPT, attempts)}`.execute(this.#db)
  }

  async saveAttempts(attempts: readonly Attempt[]): Promise<void> {
    if (attempts.length === 0) return
    // In the order of ids, as whoever renews leases: two that write at once then seldom wait for each other in a circle, and
    // a transaction that does is run again. Locking them all first would write each row twice.
    const inOrder = attempts.toSorted(byAttemptId)
    const saved = await sql`
      UPDATE attempts SET ${assignmentsOf(ATTEMPT, ...ATTEMPT_KEYS)} FROM ${rowsOf(ATTEMPT, inOrder)}
      WHERE attempts.attempt_id = r.attempt_id`.execute(this.#db)
    assert(saved.numAffectedRows === BigInt(attempts.length), 'an attempt was saved that was never added')
  }

  async findTask(taskId: TaskId): Promise<TaskWithAttempts | undefined> {
    const rows = await this.#db.selectFrom('tasks').selectAll().where('task_id', '=', taskId).execute()
    return (await this.#withAttempts(rows))[0]
  }

  async listTasks({ jobId, status, after, limit }: TaskFilter): Promise<Task[]> {
    let query = this.#db.selectFrom('tasks').selectAll().where('job_id', '=', jobId).orderBy('task_index').limit(limit)
    if (status) query = query.where('status', '=', status)
    if (after !== undefined) query = query.where('task_index', '>', after)
    return (await query.execute()).map(toTask)
  }

  async listAttempts(jobId: JobId): Promise<Attempt[]> {
    const rows = await this.#db
      .selectFrom('tasks')
      .innerJoin('attempts', 'attempts.task_id', 'tasks.task_id')
      .selectAll('attempts')
      .where('tasks.job_id', '=', jobId)
      .orderBy('tasks.task_index')
      .orderBy('attempts.fence')
      .execute()
    return rows.map(toAttempt)
  }

  async findAttempt(attemptId: AttemptId): Promise<Attempt | undefined> {
    const query = this.#db.selectFrom('attempts').selectAll().where('attempt_id', '=', attemptId)
    const row = await query.executeTakeFirst()
    return row && toAttempt(row)
  }

  async findAttempts(attemptIds: readonly AttemptId[]): Promise<Attempt[]> {
    if (attemptIds.length === 0) return []
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts WHERE attempt_id = ANY (${texts(attemptIds)}) ORDER BY attempt_id`.execute(this.#db)
    return rows.map(toAttempt)
  }

  async listUndispatched(nodeIds: readonly NodeId[], limit: number): Promise<Dispatch[]> {
    if (nodeIds.length === 0) return []
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts
      -- Not \`= ANY\`: with a thousand nodes, weighing each of them would take the planner longer than the answer.
      WHERE node_id IN (SELECT unnest(${texts(nodeIds)})) AND status = 'leased' AND gateway_id IS NULL
      ORDER BY leased_at, attempt_id LIMIT ${limit}`.execute(this.#db)
    const tasks = await this.#tasks(rows.map((row) => row.task_id))
    const jobOf = await this.#narrowed(rows.map((row) => row.job_id))
    return rows.map((row) => {
      const task = tasks.get(row.task_id)!
      return { attempt: toAttempt(row), task, job: jobOf(task) }
    })
  }

  async markDispatched(attemptIds: readonly AttemptId[], gatewayId: GatewayId): Promise<void> {
    if (attemptIds.length === 0) return
    await sql`
      UPDATE attempts SET gateway_id = ${gatewayId} FROM unnest(${texts(attemptIds.toSorted())}) AS r (attempt_id)
      WHERE attempts.attempt_id = r.attempt_id`.execute(this.#db)
  }

  async listLive(nodeId: NodeId): Promise<Attempt[]> {
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts WHERE node_id = ${nodeId} AND status IN ${LIVE}
      ORDER BY leased_at, attempt_id`.execute(this.#db)
    return rows.map(toAttempt)
  }

  async renewLeases(heard: readonly Heard[], leaseMs: number): Promise<AttemptId[]> {
    if (heard.length === 0) return []
    const { rows } = await sql<{ attempt_id: AttemptId }>`
      WITH live AS (
        SELECT attempts.attempt_id, r.at + coalesce(attempts.lease_ms, ${leaseMs}::bigint) AS until
        FROM ${rowsOf(HEARD, heard)} JOIN attempts USING (attempt_id)
        WHERE attempts.status IN ${LIVE} ORDER BY attempts.attempt_id FOR UPDATE OF attempts
      ), renewed AS (
        UPDATE attempts SET lease_expires_at = live.until FROM live
        WHERE attempts.attempt_id = live.attempt_id AND lease_expires_at < live.until
      )
      SELECT attempt_id FROM live`.execute(this.#db)
    return rows.map((row) => row.attempt_id)
  }

  async listExpired(now: Instant, limit: number): Promise<Attempt[]> {
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts WHERE lease_expires_at < ${now} AND status IN ${LIVE}
      ORDER BY lease_expires_at, attempt_id LIMIT ${limit}`.execute(this.#db)
    return rows.map(toAttempt)
  }

  async usageOf(accountId: AccountId, since?: Instant): Promise<AccountUsage> {
    const { rows } = await sql<{ jobs: number; tasks: number; cost: bigint }>`
      SELECT o.*, c.* FROM (
        SELECT count(*) AS jobs, coalesce(sum(queued + running), 0)::bigint AS tasks FROM jobs
        WHERE account_id = ${accountId} AND status IN ${OPEN}
      ) o, (
        SELECT coalesce(sum(coalesce(cost, price_cap)), 0) AS cost FROM jobs
        WHERE account_id = ${accountId} AND submitted_at >= ${since ?? null}::bigint
      ) c`.execute(this.#db)
    const { jobs, tasks, cost } = rows[0]!
    return { openJobs: jobs, openTasks: tasks, cost: amount(cost) }
  }

  async cpuInUse(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>> {
    if (accountIds.length === 0) return new Map()
    const { rows } = await sql<Pick<TaskRow, 'job_id' | 'task_index'>>`
      SELECT tasks.job_id, tasks.task_index FROM attempts JOIN tasks USING (task_id)
      JOIN jobs ON jobs.job_id = tasks.job_id
      WHERE attempts.status IN ${LIVE} AND jobs.account_id = ANY (${texts(accountIds)})`.execute(this.#db)
    const jobs = await this.#jobs(rows.map((row) => row.job_id))
    const inUse = new Map<AccountId, number>()
    for (const { job_id, task_index } of rows) {
      const { accountId, spec } = jobs.get(job_id)!
      inUse.set(accountId, (inUse.get(accountId) ?? 0) + cpuMilliOf(spec, task_index))
    }
    return inUse
  }

  async listOverdue(now: Instant, limit: number): Promise<Job[]> {
    const { rows } = await sql<JobRow>`
      SELECT * FROM jobs WHERE deadline_at <= ${now} AND status IN ${OPEN}
      ORDER BY deadline_at, job_id LIMIT ${limit}`.execute(this.#db)
    return rows.map(toJob)
  }

  async listAgreed(filter: Parameters<JobStore['listAgreed']>[0]): Promise<AgreedResult[]> {
    const done = await this.listTasks({ ...filter, status: 'done' })
    if (done.length === 0) return []
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts
      WHERE task_id = ANY (${texts(done.map(({ taskId }) => taskId))}) AND status = 'reported'
      ORDER BY task_id, fence`.execute(this.#db)
    const reported = Map.groupBy(rows.map(toAttempt), ({ taskId }) => taskId)
    return done.flatMap((task) => agreedOf(task, reported.get(task.taskId) ?? []))
  }

  async takeUnsettled(limit: number): Promise<Job[]> {
    const { rows } = await sql<JobRow>`
      SELECT * FROM jobs WHERE NOT settled AND status IN ${OVER}
      ORDER BY finished_at NULLS FIRST, job_id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(this.#db)
    return rows.map(toJob)
  }

  async queueDepth(): Promise<QueueDepth[]> {
    const { rows } = await sql<{ tier_rank: number; status: Task['status']; count: number; oldest: number }>`
      SELECT tier_rank, status, count(*) AS count, min(queued_at) AS oldest FROM tasks
      WHERE status IN ${OPEN} AND blocked_by = 0 GROUP BY tier_rank, status`.execute(this.#db)
    return TIERS.map((tier, rank) => {
      const of = (status: Task['status']) => rows.find((row) => row.tier_rank === rank && row.status === status)
      const queued = of('queued')
      return { tier, queued: queued?.count ?? 0, running: of('running')?.count ?? 0, oldestQueuedAt: queued?.oldest }
    })
  }

  async auditJobs(): Promise<string[]> {
    const faults: string[] = []
    for (let page = await this.#jobsAfter(''); page.length > 0; page = await this.#jobsAfter(page.at(-1)!.jobId)) {
      const rows = await this.#db
        .selectFrom('tasks')
        .selectAll()
        .where(
          'job_id',
          'in',
          page.map((job) => job.jobId),
        )
        .execute()
      const tasks = Map.groupBy(await this.#withAttempts(rows), ({ task }) => task.jobId)
      const steps = Map.groupBy(await this.steps.list(page.map(({ jobId }) => jobId)), ({ jobId }) => jobId)
      for (const job of page) faults.push(...auditJob(job, tasks.get(job.jobId) ?? [], steps.get(job.jobId)))
    }
    return faults
  }

  async #jobsAfter(after: string): Promise<Job[]> {
    const { rows } = await sql<JobRow>`
      SELECT * FROM jobs WHERE job_id > ${after} ORDER BY job_id LIMIT ${AUDIT_PAGE}`.execute(this.#db)
    return rows.map(toJob)
  }

  async #withAttempts(rows: readonly TaskRow[]): Promise<TaskWithAttempts[]> {
    // A task that was never placed has none, which spares most queued ones the question.
    const ids = rows.map((row) => row.task_id)
    if (ids.length === 0) return []
    const found = await sql<AttemptRow>`
      SELECT * FROM attempts WHERE task_id = ANY (${texts(ids)}) ORDER BY task_id, fence`.execute(this.#db)
    const byTask = Map.groupBy(found.rows.map(toAttempt), (attempt) => attempt.taskId)
    return rows.map((row) => ({ task: toTask(row), attempts: byTask.get(row.task_id) ?? [] }))
  }

  async #tasks(taskIds: readonly TaskId[]): Promise<Map<TaskId, Task>> {
    if (taskIds.length === 0) return new Map()
    const { rows } = await sql<TaskRow>`SELECT * FROM tasks WHERE task_id = ANY (${texts(taskIds)})`.execute(this.#db)
    return new Map(rows.map((row) => [row.task_id, toTask(row)]))
  }

  /** Jobs as their tasks' steps see them. Most have none, which spares them the question. */
  async #narrowed(jobIds: readonly JobId[]): Promise<(task: Task) => Job> {
    const jobs = await this.#jobs(jobIds)
    const stepped = [...jobs.values()].filter(({ spec }) => spec.steps)
    if (stepped.length === 0) return ({ jobId }) => jobs.get(jobId)!
    const steps = Map.groupBy(await this.steps.list(stepped.map(({ jobId }) => jobId)), ({ jobId }) => jobId)
    const byTask = new Map(stepped.map((job) => [job.jobId, jobByTask(job, steps.get(job.jobId) ?? [])]))
    return ({ jobId, index }) => byTask.get(jobId)?.(index) ?? jobs.get(jobId)!
  }

  async #jobs(jobIds: readonly JobId[]): Promise<Map<JobId, Job>> {
    if (jobIds.length === 0) return new Map()
    const ids = [...new Set(jobIds)]
    const { rows } = await sql<JobRow>`SELECT * FROM jobs WHERE job_id = ANY (${texts(ids)})`.execute(this.#db)
    return new Map(rows.map((row) => [row.job_id, toJob(row)]))
  }
}

function byAttemptId(a: Attempt, b: Attempt): number {
  return a.attemptId < b.attemptId ? -1 : 1
}
