import type { Instant } from '@fog/kernel'
import type { RunHistory, RunStore } from '@fog/scheduler'
import { sql } from 'kysely'
import { namesOf, type RowShape, rowsOf, texts } from './rows.ts'
import type { Db, RunHistoryRow } from './tables.ts'

const HISTORY: RowShape<RunHistory> = {
  key: ['text', (history) => history.key],
  runs: ['json', (history) => history.runs],
  speed: ['float8', (history) => history.speed],
  learned_at: ['int8', (history) => history.learnedAt],
}

/** What past runs tell, in PostgreSQL: one row for each program, account and device. */
export class PgRunStore implements RunStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async recall(keys: readonly string[]): Promise<RunHistory[]> {
    if (keys.length === 0) return []
    const { rows } = await sql<RunHistoryRow>`
      SELECT * FROM run_histories WHERE key = ANY (${texts(keys)}) ORDER BY key`.execute(this.#db)
    return rows.map(({ key, runs, speed, learned_at: learnedAt }) => ({ key, runs, speed, learnedAt }))
  }

  async keep(histories: readonly RunHistory[]): Promise<void> {
    if (histories.length === 0) return
    // In the order of keys: two that write at once then never wait for each other in a circle.
    await sql`
      INSERT INTO run_histories (${namesOf(HISTORY)}) SELECT * FROM ${rowsOf(HISTORY, histories)} ORDER BY key
      ON CONFLICT (key) DO UPDATE SET runs = excluded.runs, speed = excluded.speed, learned_at = excluded.learned_at
    `.execute(this.#db)
  }

  async forget(before: Instant, limit: number): Promise<number> {
    const { numAffectedRows } = await sql`
      DELETE FROM run_histories WHERE key IN (
        SELECT key FROM run_histories WHERE learned_at < ${before} ORDER BY learned_at LIMIT ${limit}
      )`.execute(this.#db)
    return Number(numAffectedRows ?? 0n)
  }
}
