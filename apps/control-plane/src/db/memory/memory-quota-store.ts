import type { AccountId, MemoryDatabase, MemoryTable } from '@fog/kernel'
import type { Quota, QuotaStore } from '../../quota-store.ts'

/** The memory twin. One transaction at a time, so nothing has to be locked. */
export class MemoryQuotaStore implements QuotaStore {
  readonly #quotas: MemoryTable<AccountId, Quota>

  constructor(database: MemoryDatabase) {
    this.#quotas = database.table()
  }

  lock(accountId: AccountId): Promise<Quota> {
    return this.find(accountId)
  }

  async find(accountId: AccountId): Promise<Quota> {
    return this.#quotas.get(accountId) ?? {}
  }

  async listCpu(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>> {
    return new Map(
      accountIds.flatMap((accountId) => {
        const cpuMilli = this.#quotas.get(accountId)?.cpuMilli
        return cpuMilli === undefined ? [] : [[accountId, cpuMilli] as const]
      }),
    )
  }

  async save(accountId: AccountId, quota: Quota): Promise<void> {
    this.#quotas.set(accountId, quota)
  }
}
