import type { TaskId } from '@fog/kernel'
import { sql } from 'kysely'
import type { LogChunk, LogStore } from '../ports.ts'
import { logCursor, parseLogCursor } from './log-cursor.ts'
import { rowsOf } from './rows.ts'
import type { RowShape } from './rows.ts'
import type { Db, LogRow } from './tables.ts'

const CHUNK: RowShape<LogChunk> = {
  task_id: ['text', (chunk) => chunk.taskId],
  attempt_id: ['text', (chunk) => chunk.attemptId],
  sequence: ['int4', (chunk) => chunk.sequence],
  stream: ['text', (chunk) => chunk.stream],
  text: ['text', (chunk) => chunk.text],
  at: ['int8', (chunk) => chunk.at],
}

/** What tasks wrote, in PostgreSQL. Attempt ids sort by age, so their order is the order of attempts. */
export class PgLogStore implements LogStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async append(chunks: readonly LogChunk[]): Promise<void> {
    if (chunks.length === 0) return
    await sql`
      INSERT INTO log_chunks (task_id, attempt_id, sequence, stream, text, at)
      SELECT * FROM ${rowsOf(CHUNK, chunks)} ORDER BY task_id, attempt_id, sequence
      ON CONFLICT DO NOTHING`.execute(this.#db)
  }

  async read(taskId: TaskId, after: string | undefined, limit: number) {
    const [attemptId, sequence] = parseLogCursor(after)
    const { rows } = await sql<LogRow>`
      SELECT * FROM log_chunks
      WHERE task_id = ${taskId} AND (attempt_id, sequence) > (${attemptId}, ${sequence}::integer)
      ORDER BY attempt_id, sequence LIMIT ${limit}`.execute(this.#db)
    return rows.map((row) => ({ ...toChunk(row), cursor: logCursor(toChunk(row)) }))
  }
}

function toChunk(row: LogRow): LogChunk {
  return {
    taskId: row.task_id,
    attemptId: row.attempt_id,
    sequence: row.sequence,
    stream: row.stream,
    text: row.text,
    at: row.at,
  }
}
