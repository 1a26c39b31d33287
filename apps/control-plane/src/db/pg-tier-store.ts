import type { Instant, JobId, TaskId } from '@fog/kernel'
import {
  type Attempt,
  type Incident,
  type Job,
  type LiveAttempt,
  type Task,
  type TaskOfJob,
  type Tier,
  type TierMeasure,
  TIERS,
} from '@fog/scheduler'
import type { TierStore } from '@fog/scheduler'
import { sql } from 'kysely'
import { toAttempt, toJob, toTask } from './job-rows.ts'
import { namesOf, type RowShape, rowsOf } from './rows.ts'
import type { AttemptRow, Db, IncidentRow, JobRow, TaskRow } from './tables.ts'

const INCIDENT: RowShape<Incident> = {
  task_id: ['text', (incident) => incident.taskId],
  kind: ['text', (incident) => incident.kind],
  fence: ['int4', (incident) => incident.fence],
  job_id: ['text', (incident) => incident.jobId],
  at: ['int8', (incident) => incident.at],
  measured: ['int8', (incident) => incident.measured],
  bound: ['int8', (incident) => incident.bound],
  broken: ['bool', (incident) => incident.broken],
}

/** What the part shares with the store it is of. */
export interface PgTierParts {
  /** By id. */
  readonly tasks: (taskIds: readonly TaskId[]) => Promise<Map<TaskId, Task>>
  /** These jobs, as the steps of their tasks see them. */
  readonly jobs: (jobIds: readonly JobId[]) => Promise<(task: Task) => Job>
}

/** Promises and incidents in PostgreSQL. */
export class PgTierStore implements TierStore {
  readonly #db: Db
  readonly #parts: PgTierParts

  constructor(db: Db, parts: PgTierParts) {
    this.#db = db
    this.#parts = parts
  }

  async listLive(tiers: readonly Tier[]): Promise<LiveAttempt[]> {
    const isOpen = sql`status IN ('queued', 'running') AND blocked_by = 0
      AND tier_rank = ANY (${sql.val(tiers.map(rankOf))}::smallint[])`
    // Asked before every plan, and of most fogs' best tier there is nothing: then no attempt is looked at.
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts
      WHERE (SELECT true FROM tasks WHERE ${isOpen} LIMIT 1) AND status IN ('leased', 'running')
        AND task_id IN (SELECT task_id FROM tasks WHERE ${isOpen})
      ORDER BY attempt_id`.execute(this.#db)
    if (rows.length === 0) return []
    const tasks = await this.#parts.tasks(rows.map((row) => row.task_id))
    const jobOf = await this.#parts.jobs(rows.map((row) => row.job_id))
    return rows.map((row) => {
      const task = tasks.get(row.task_id)!
      return { attempt: toAttempt(row), task, job: jobOf(task) }
    })
  }

  async listYielding(limit: number): Promise<Attempt[]> {
    const { rows } = await sql<AttemptRow>`
      SELECT * FROM attempts WHERE yield_by IS NOT NULL AND status IN ('leased', 'running')
      ORDER BY yield_by, attempt_id LIMIT ${limit}`.execute(this.#db)
    return rows.map(toAttempt)
  }

  async listOverdueWaits(tier: Tier, queuedBefore: Instant, limit: number): Promise<TaskOfJob[]> {
    const { rows } = await sql<TaskRow>`
      SELECT tasks.* FROM tasks JOIN jobs USING (job_id)
      WHERE tasks.tier_rank = ${rankOf(tier)} AND tasks.pending > 0 AND tasks.started_at IS NULL
        AND tasks.queued_at < ${queuedBefore} AND jobs.status IN ('queued', 'running')
        AND NOT EXISTS (
          SELECT FROM incidents WHERE incidents.task_id = tasks.task_id AND kind = 'queue_wait' AND fence = 0
        )
      ORDER BY tasks.queued_at, tasks.task_id LIMIT ${limit}`.execute(this.#db)
    const jobOf = await this.#parts.jobs(rows.map((row) => row.job_id))
    return rows.map(toTask).map((task) => ({ task, job: jobOf(task) }))
  }

  async addIncidents(incidents: readonly Incident[]): Promise<Incident[]> {
    if (incidents.length === 0) return []
    const { rows } = await sql<IncidentRow>`
      INSERT INTO incidents (${namesOf(INCIDENT)}, tier_rank)
      SELECT r.*, tasks.tier_rank FROM ${rowsOf(INCIDENT, incidents)} JOIN tasks USING (task_id)
      ON CONFLICT (task_id, kind, fence) DO NOTHING RETURNING *`.execute(this.#db)
    const added = new Set(rows.map((row) => keyOf(toIncident(row))))
    // Each once, in the order given.
    return incidents.filter((incident) => added.delete(keyOf(incident)))
  }

  async listIncidents(jobId: JobId): Promise<Incident[]> {
    const { rows } = await sql<IncidentRow>`
      SELECT * FROM incidents WHERE job_id = ${jobId} ORDER BY task_id, kind COLLATE "C", fence`.execute(this.#db)
    return rows.map(toIncident)
  }

  async measure(since: Instant): Promise<TierMeasure[]> {
    const [waits, incidents, preempted] = [
      await this.#waits(since),
      await this.#incidents(since),
      await this.#preempted(since),
    ]
    return TIERS.map((tier, rank) => {
      const wait = waits.find((row) => row.tier_rank === rank)
      const of = (kind: Incident['kind']) => incidents.find((row) => row.tier_rank === rank && row.kind === kind)
      const restart = of('restart')
      return {
        tier,
        started: wait?.started ?? 0,
        waitP50Ms: wait?.p50,
        waitP95Ms: wait?.p95,
        waitP99Ms: wait?.p99,
        restarts: restart?.count ?? 0,
        restartP95Ms: restart?.p95,
        restartMaxMs: restart?.most,
        preempted: preempted.find((row) => row.tier_rank === rank)?.count ?? 0,
        broken: {
          queueWait: of('queue_wait')?.broken ?? 0,
          restart: restart?.broken ?? 0,
          runStretch: of('run_stretch')?.broken ?? 0,
        },
      }
    })
  }

  async takeOwing(limit: number): Promise<Job[]> {
    const { rows } = await sql<JobRow>`
      SELECT * FROM jobs WHERE credit_paid < credit
      ORDER BY finished_at, job_id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(this.#db)
    return rows.map(toJob)
  }

  async #waits(since: Instant) {
    const { rows } = await sql<{ tier_rank: number; started: number; p50: number; p95: number; p99: number }>`
      SELECT tier_rank, count(*) AS started,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY started_at - queued_at) AS p50,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY started_at - queued_at) AS p95,
        percentile_disc(0.99) WITHIN GROUP (ORDER BY started_at - queued_at) AS p99
      FROM tasks WHERE started_at >= ${since} GROUP BY tier_rank`.execute(this.#db)
    return rows
  }

  async #incidents(since: Instant) {
    const { rows } = await sql<IncidentSums>`
      SELECT tier_rank, kind, count(*) AS count, count(*) FILTER (WHERE broken) AS broken, max(measured) AS most,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY measured) AS p95
      FROM incidents WHERE at >= ${since} GROUP BY tier_rank, kind`.execute(this.#db)
    return rows
  }

  async #preempted(since: Instant) {
    const { rows } = await sql<{ tier_rank: number; count: number }>`
      SELECT tasks.tier_rank, count(*) AS count FROM attempts JOIN tasks USING (task_id)
      WHERE attempts.status = 'preempted' AND attempts.ended_at >= ${since} GROUP BY tasks.tier_rank`.execute(this.#db)
    return rows
  }
}

interface IncidentSums {
  readonly tier_rank: number
  readonly kind: Incident['kind']
  readonly count: number
  readonly broken: number
  readonly most: number
  readonly p95: number
}

function toIncident(row: IncidentRow): Incident {
  const { kind, fence, at, measured, broken } = row
  return { taskId: row.task_id, jobId: row.job_id, kind, fence, at, measured, bound: row.bound ?? undefined, broken }
}

function keyOf({ taskId, kind, fence }: Incident): string {
  return `${taskId} ${kind} ${fence}`
}

function rankOf(tier: Tier): number {
  return TIERS.indexOf(tier)
}
