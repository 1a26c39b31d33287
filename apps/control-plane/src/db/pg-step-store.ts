import type { Instant, JobId } from '@fog/kernel'
import type { BlockedEnd, InputFile, JobStep, Release, StepDelta, StepStore, TaskSpan } from '@fog/scheduler'
import { sql } from 'kysely'
import type { RowShape } from './rows.ts'
import { namesOf, rowsOf, texts, toJson } from './rows.ts'
import type { Db, JobStepRow } from './tables.ts'

const STEP: RowShape<JobStep> = {
  job_id: ['text', (step) => step.jobId],
  step: ['int4', (step) => step.step],
  waiting: ['int4', (step) => step.waiting],
  queued: ['int4', (step) => step.counts.queued],
  running: ['int4', (step) => step.counts.running],
  done: ['int4', (step) => step.counts.done],
  failed: ['int4', (step) => step.counts.failed],
  cancelled: ['int4', (step) => step.counts.cancelled],
  inputs: ['json', (step) => step.inputs],
}

const STEP_DELTA: RowShape<StepDelta> = {
  job_id: ['text', (delta) => delta.jobId],
  step: ['int4', (delta) => delta.step],
  waiting: ['int4', (delta) => delta.waiting],
  queued: ['int4', (delta) => delta.queued],
  running: ['int4', (delta) => delta.running],
  done: ['int4', (delta) => delta.done],
  failed: ['int4', (delta) => delta.failed],
  cancelled: ['int4', (delta) => delta.cancelled],
}

const RELEASE: RowShape<Release> = {
  job_id: ['text', (release) => release.jobId],
  task_index: ['int4', (release) => release.index],
  inputs: ['json', (release) => release.inputs],
}

/** What a task becomes that waits for one thing less: queued, if that was the last. */
const ONE_LESS = (at: Instant) => sql`
  blocked_by = tasks.blocked_by - 1,
  pending = CASE WHEN tasks.blocked_by = 1 THEN tasks.quorum ELSE 0 END,
  queued_at = CASE WHEN tasks.blocked_by = 1 THEN ${at} ELSE tasks.queued_at END,
  not_before = CASE WHEN tasks.blocked_by = 1 THEN ${at} ELSE tasks.not_before END`

/**
 * Steps in PostgreSQL. Blocked tasks are always locked by index, after the tasks that free them, so that two transactions
 * that free tasks of one job cannot wait for each other.
 */
export class PgStepStore implements StepStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(steps: readonly JobStep[]): Promise<void> {
    if (steps.length === 0) return
    await sql`INSERT INTO job_steps (${namesOf(STEP)}) SELECT * FROM ${rowsOf(STEP, steps)}`.execute(this.#db)
  }

  async list(jobIds: readonly JobId[]): Promise<JobStep[]> {
    if (jobIds.length === 0) return []
    const { rows } = await sql<JobStepRow>`
      SELECT * FROM job_steps WHERE job_id = ANY (${texts(jobIds)}) ORDER BY job_id, step`.execute(this.#db)
    return rows.map(toStep)
  }

  async addCounts(deltas: readonly StepDelta[]): Promise<JobStep[]> {
    if (deltas.length === 0) return []
    const { rows } = await sql<JobStepRow>`
      UPDATE job_steps SET waiting = job_steps.waiting + d.waiting, queued = job_steps.queued + d.queued,
        running = job_steps.running + d.running, done = job_steps.done + d.done, failed = job_steps.failed + d.failed,
        cancelled = job_steps.cancelled + d.cancelled
      FROM (
        SELECT s.* FROM (
          SELECT job_id, step, sum(waiting)::integer AS waiting, sum(queued)::integer AS queued,
            sum(running)::integer AS running, sum(done)::integer AS done, sum(failed)::integer AS failed,
            sum(cancelled)::integer AS cancelled
          FROM ${rowsOf(STEP_DELTA, deltas)} GROUP BY job_id, step
        ) s JOIN job_steps k USING (job_id, step) ORDER BY k.job_id, k.step FOR UPDATE OF k
      ) d
      WHERE job_steps.job_id = d.job_id AND job_steps.step = d.step RETURNING job_steps.*`.execute(this.#db)
    return rows.map(toStep).sort((a, b) => (a.jobId === b.jobId ? a.step - b.step : a.jobId < b.jobId ? -1 : 1))
  }

  async share(jobId: JobId, step: number, inputs: readonly InputFile[]): Promise<void> {
    await sql`
      UPDATE job_steps SET inputs = inputs || ${toJson(inputs)}::jsonb
      WHERE job_id = ${jobId} AND step = ${step}`.execute(this.#db)
  }

  async release(
    releases: readonly Release[],
    at: Instant,
  ): Promise<{ readonly jobId: JobId; readonly index: number }[]> {
    if (releases.length === 0) return []
    const { rows } = await sql<{ job_id: JobId; task_index: number; blocked_by: number }>`
      UPDATE tasks SET ${ONE_LESS(at)},
        inputs = CASE WHEN r.inputs::text = '[]' THEN tasks.inputs ELSE (tasks.inputs::jsonb || r.inputs::jsonb)::json END
      FROM (
        SELECT k.task_id, r.inputs FROM ${rowsOf(RELEASE, releases)} JOIN tasks k USING (job_id, task_index)
        WHERE k.blocked_by > 0 AND k.status = 'queued' ORDER BY k.job_id, k.task_index FOR UPDATE OF k
      ) r
      WHERE tasks.task_id = r.task_id
      RETURNING tasks.job_id, tasks.task_index, tasks.blocked_by`.execute(this.#db)
    return rows
      .filter((row) => row.blocked_by === 0)
      .map((row) => ({ jobId: row.job_id, index: row.task_index }))
      .sort((a, b) => (a.jobId === b.jobId ? a.index - b.index : a.jobId < b.jobId ? -1 : 1))
  }

  async releaseSpan(jobId: JobId, span: TaskSpan, at: Instant): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      WITH freed AS (
        UPDATE tasks SET ${ONE_LESS(at)} FROM ${blocked(jobId, span)} r WHERE tasks.task_id = r.task_id
        RETURNING tasks.blocked_by
      )
      SELECT count(*) FILTER (WHERE blocked_by = 0) AS count FROM freed`.execute(this.#db)
    return rows[0]!.count
  }

  async endBlocked(jobId: JobId, span: TaskSpan, { status, failure, at }: BlockedEnd): Promise<number> {
    const why = failure === undefined ? null : toJson(failure)
    const ended = await sql`
      UPDATE tasks SET status = ${status}, blocked_by = 0, finished_at = ${at}, failure = ${why}::json
      FROM ${blocked(jobId, span)} r WHERE tasks.task_id = r.task_id`.execute(this.#db)
    return Number(ended.numAffectedRows ?? 0n)
  }
}

function blocked(jobId: JobId, { first, tasks }: TaskSpan) {
  return sql`(
    SELECT k.task_id FROM tasks k
    WHERE k.job_id = ${jobId} AND k.task_index >= ${first} AND k.task_index < ${first + tasks}
      AND k.blocked_by > 0 AND k.status = 'queued'
    ORDER BY k.task_index FOR UPDATE
  )`
}

function toStep(row: JobStepRow): JobStep {
  const { queued, running, done, failed, cancelled } = row
  return {
    jobId: row.job_id,
    step: row.step,
    waiting: row.waiting,
    counts: { queued, running, done, failed, cancelled },
    inputs: row.inputs,
  }
}
