import type { Instant } from '@fog/kernel'
import { sql } from 'kysely'
import type { EventCursor, EventLog, FogEvent } from '../ports.ts'
import { rowsOf } from './rows.ts'
import type { RowShape } from './rows.ts'
import type { Db, EventRow } from './tables.ts'

const EVENT: RowShape<FogEvent> = {
  type: ['text', (event) => event.type],
  at: ['int8', (event) => event.at],
  account_id: ['text', (event) => event.accountId],
  job_id: ['text', (event) => event.jobId],
  task_id: ['text', (event) => event.taskId],
  node_id: ['text', (event) => event.nodeId],
  data: ['json', (event) => event.data],
}

/** This transaction's place in the feed. */
const PLACE = sql`pg_current_xact_id()::text::bigint + (SELECT xid FROM feed_origin)`
/** Every transaction whose place is before this one has ended. */
const HORIZON = sql`pg_snapshot_xmin(pg_current_snapshot())::text::bigint + (SELECT xid FROM feed_origin)`

/**
 * The feed in PostgreSQL, in the order of transactions. A cursor names a transaction and a sequence number; events are
 * shown once no older transaction is still open, so none can come in behind a cursor. One that stays open holds the feed up,
 * never breaks it, and the pool ends those that idle.
 */
export class PgEventLog implements EventLog {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async append(events: readonly FogEvent[]): Promise<void> {
    if (events.length === 0) return
    const names = sql.join(Object.keys(EVENT).map((name) => sql.ref(name)))
    await sql`INSERT INTO events (${names}, xid) SELECT r.*, ${PLACE} FROM ${rowsOf(EVENT, events)}`.execute(this.#db)
  }

  async read(after: EventCursor | undefined, limit: number) {
    const { xid, sequence } = parseCursor(after)
    // A place that is yet to come was given out by a database that has been restored to an earlier state since.
    const start = sql`CASE WHEN ${xid}::bigint > ${HORIZON} THEN 0 ELSE ${xid}::bigint END`
    const { rows } = await sql<EventRow>`
      SELECT * FROM events WHERE (xid, sequence) > (${start}, ${sequence}::bigint) AND xid < ${HORIZON}
      ORDER BY xid, sequence LIMIT ${limit}`.execute(this.#db)
    return rows.map((row) => ({ ...toEvent(row), cursor: `${row.xid}.${row.sequence}` }))
  }

  async head(): Promise<EventCursor> {
    const { rows } = await sql<{ horizon: number }>`SELECT ${HORIZON} AS horizon`.execute(this.#db)
    return `${rows[0]!.horizon}.0`
  }

  async prune(before: Instant, limit: number): Promise<number> {
    const pruned = await sql`
      DELETE FROM events WHERE (xid, sequence) IN (
        SELECT xid, sequence FROM events WHERE at < ${before} ORDER BY at LIMIT ${limit})`.execute(this.#db)
    return Number(pruned.numAffectedRows ?? 0n)
  }
}

/** A cursor that is none of ours reads from the start: the worst it can do is show old events again. */
function parseCursor(cursor: EventCursor | undefined): { xid: number; sequence: number } {
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '')
  return match ? { xid: Number(match[1]), sequence: Number(match[2]) } : { xid: 0, sequence: 0 }
}

function toEvent(row: EventRow): FogEvent {
  return {
    type: row.type,
    at: row.at,
    accountId: row.account_id ?? undefined,
    jobId: row.job_id ?? undefined,
    taskId: row.task_id ?? undefined,
    nodeId: row.node_id ?? undefined,
    data: row.data,
  }
}
