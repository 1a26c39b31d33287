import { assert } from '@fog/kernel'
import type { AccountId, Instant, JobId, ScheduleId } from '@fog/kernel'
import { sql } from 'kysely'
import type { Schedule, ScheduleRun, ScheduleStore } from '../schedule-store.ts'
import { toJson, toText } from './rows.ts'
import type { Db, ScheduleRow, ScheduleRunRow } from './tables.ts'

/** Schedules in PostgreSQL. */
export class PgScheduleStore implements ScheduleStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(schedule: Schedule): Promise<void> {
    await sql`
      INSERT INTO schedules (schedule_id, account_id, created_by, name, cron, timezone, catch_up, overlap, submission,
        status, next_at, created_at)
      VALUES (${schedule.scheduleId}, ${schedule.accountId}, ${schedule.createdBy}, ${toText(schedule.name)},
        ${schedule.cron}, ${schedule.timezone}, ${schedule.catchUp}, ${schedule.overlap},
        ${toJson(schedule.submission)}::json, ${schedule.status}, ${schedule.nextAt ?? null}, ${schedule.createdAt})
    `.execute(this.#db)
  }

  async find(scheduleId: ScheduleId): Promise<Schedule | undefined> {
    const query = this.#db.selectFrom('schedules').selectAll().where('schedule_id', '=', scheduleId)
    const row = await query.executeTakeFirst()
    return row && toSchedule(row)
  }

  async findForUpdate(scheduleId: ScheduleId): Promise<Schedule | undefined> {
    const query = this.#db.selectFrom('schedules').selectAll().where('schedule_id', '=', scheduleId).forUpdate()
    const row = await query.executeTakeFirst()
    return row && toSchedule(row)
  }

  async list({ accountId, before, limit }: Parameters<ScheduleStore['list']>[0]): Promise<Schedule[]> {
    let query = this.#db.selectFrom('schedules').selectAll().orderBy('schedule_id', 'desc').limit(limit)
    if (accountId) query = query.where('account_id', '=', accountId)
    if (before) query = query.where('schedule_id', '<', before)
    return (await query.execute()).map(toSchedule)
  }

  async countOf(accountId: AccountId): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) AS count FROM schedules WHERE account_id = ${accountId}`.execute(this.#db)
    return rows[0]!.count
  }

  async save({ scheduleId, status, nextAt }: Schedule): Promise<void> {
    const saved = await sql`
      UPDATE schedules SET status = ${status}, next_at = ${nextAt ?? null}
      WHERE schedule_id = ${scheduleId}`.execute(this.#db)
    assert(saved.numAffectedRows === 1n, `${scheduleId} was never added`)
  }

  async remove(scheduleId: ScheduleId): Promise<void> {
    await this.#db.deleteFrom('schedules').where('schedule_id', '=', scheduleId).execute()
  }

  async listDue(now: Instant, limit: number): Promise<Schedule[]> {
    const { rows } = await sql<ScheduleRow>`
      SELECT * FROM schedules WHERE status = 'active' AND next_at <= ${now}
      ORDER BY next_at, schedule_id LIMIT ${limit}`.execute(this.#db)
    return rows.map(toSchedule)
  }

  async addRun({ scheduleId, dueAt, at, outcome, jobId, reason }: ScheduleRun): Promise<boolean> {
    const added = await sql`
      INSERT INTO schedule_runs (schedule_id, due_at, at, outcome, job_id, reason)
      VALUES (${scheduleId}, ${dueAt}, ${at}, ${outcome}, ${jobId ?? null}, ${reason === undefined ? null : toText(reason)})
      ON CONFLICT DO NOTHING`.execute(this.#db)
    return added.numAffectedRows === 1n
  }

  async listRuns(scheduleId: ScheduleId, limit: number): Promise<ScheduleRun[]> {
    const { rows } = await sql<ScheduleRunRow>`
      SELECT * FROM schedule_runs WHERE schedule_id = ${scheduleId} ORDER BY due_at DESC LIMIT ${limit}`.execute(
      this.#db,
    )
    return rows.map(toRun)
  }

  async lastJob(scheduleId: ScheduleId): Promise<JobId | undefined> {
    const { rows } = await sql<{ job_id: JobId }>`
      SELECT job_id FROM schedule_runs WHERE schedule_id = ${scheduleId} AND job_id IS NOT NULL
      ORDER BY due_at DESC LIMIT 1`.execute(this.#db)
    return rows[0]?.job_id
  }
}

function toSchedule(row: ScheduleRow): Schedule {
  return {
    scheduleId: row.schedule_id,
    accountId: row.account_id,
    createdBy: row.created_by,
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    catchUp: row.catch_up,
    overlap: row.overlap,
    submission: row.submission,
    status: row.status,
    nextAt: row.next_at ?? undefined,
    createdAt: row.created_at,
  }
}

function toRun(row: ScheduleRunRow): ScheduleRun {
  return {
    scheduleId: row.schedule_id,
    dueAt: row.due_at,
    at: row.at,
    outcome: row.outcome,
    jobId: row.job_id ?? undefined,
    reason: row.reason ?? undefined,
  }
}
