import { sql } from 'kysely'
import type { FrontStore, KeptFront } from '../front-store.ts'
import { toJson } from './rows.ts'
import type { Db } from './tables.ts'

/** The newest fronts, in PostgreSQL. */
export class PgFrontStore implements FrontStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(front: KeptFront, keep: number): Promise<void> {
    const json = sql<KeptFront>`${toJson(front)}::json`
    await this.#db
      .insertInto('fronts')
      .values({ planned_at: front.plannedAt, front: json })
      .onConflict((conflict) => conflict.column('planned_at').doUpdateSet({ front: json }))
      .execute()
    await sql`
      DELETE FROM fronts WHERE planned_at < (SELECT min(planned_at) FROM
        (SELECT planned_at FROM fronts ORDER BY planned_at DESC LIMIT ${keep}) AS newest)`.execute(this.#db)
  }

  async list({ before, limit }: Parameters<FrontStore['list']>[0]): Promise<KeptFront[]> {
    let query = this.#db.selectFrom('fronts').select('front').orderBy('planned_at', 'desc').limit(limit)
    if (before !== undefined) query = query.where('planned_at', '<', before)
    return (await query.execute()).map((row) => row.front)
  }
}
