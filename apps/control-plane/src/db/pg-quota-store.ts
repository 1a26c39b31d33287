import { type AccountId, amount } from '@fog/kernel'
import { sql } from 'kysely'
import type { Quota, QuotaStore } from '../quota-store.ts'
import { texts } from './rows.ts'
import type { Db, QuotaRow } from './tables.ts'

/** The first of the two numbers of an advisory lock: what is locked. The second is the account's hash. */
const SUBMISSIONS = 0x66_6f_67

/** Quotas in PostgreSQL. */
export class PgQuotaStore implements QuotaStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async lock(accountId: AccountId): Promise<Quota> {
    // Two accounts of one hash merely take turns.
    const { rows } = await sql<QuotaRow>`
      SELECT q.* FROM (SELECT pg_advisory_xact_lock(${SUBMISSIONS}, hashtext(${accountId}))) l
      LEFT JOIN account_quotas q ON q.account_id = ${accountId}`.execute(this.#db)
    return toQuota(rows[0])
  }

  async find(accountId: AccountId): Promise<Quota> {
    const query = this.#db.selectFrom('account_quotas').selectAll().where('account_id', '=', accountId)
    return toQuota(await query.executeTakeFirst())
  }

  async listCpu(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>> {
    if (accountIds.length === 0) return new Map()
    const { rows } = await sql<{ account_id: AccountId; cpu_milli: number }>`
      SELECT account_id, cpu_milli FROM account_quotas
      WHERE account_id = ANY (${texts(accountIds)}) AND cpu_milli IS NOT NULL`.execute(this.#db)
    return new Map(rows.map((row) => [row.account_id, row.cpu_milli]))
  }

  async save(accountId: AccountId, { openJobs, openTasks, cpuMilli, costPerDay }: Quota): Promise<void> {
    const kept = {
      open_jobs: openJobs ?? null,
      open_tasks: openTasks ?? null,
      cpu_milli: cpuMilli ?? null,
      cost_per_day: costPerDay ?? null,
    }
    await this.#db
      .insertInto('account_quotas')
      .values({ account_id: accountId, ...kept })
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(kept))
      .execute()
  }
}

function toQuota(row: Partial<QuotaRow> | undefined): Quota {
  const { open_jobs, open_tasks, cpu_milli, cost_per_day } = row ?? {}
  return {
    openJobs: open_jobs ?? undefined,
    openTasks: open_tasks ?? undefined,
    cpuMilli: cpu_milli ?? undefined,
    costPerDay: cost_per_day === null || cost_per_day === undefined ? undefined : amount(cost_per_day),
  }
}
