import type { AccountId, Amount } from '@fog/kernel'

/** What an account may have at a time. What is undefined is as the settings say. */
export interface Quota {
  readonly openJobs?: number | undefined
  /** Queued and running. */
  readonly openTasks?: number | undefined
  /** Cores in use, in thousandths. */
  readonly cpuMilli?: number | undefined
  /** What its jobs of 24 hours may cost at most. */
  readonly costPerDay?: Amount | undefined
}

/** Where quotas of accounts are kept that differ from the settings. */
export interface QuotaStore {
  /**
   * The account's quota; until the transaction ends no other one gets it by this way, so that two submissions of an
   * account cannot both count the same room.
   */
  lock(accountId: AccountId): Promise<Quota>
  find(accountId: AccountId): Promise<Quota>
  /** Of these accounts, those whose quota of cores differs from the settings. */
  listCpu(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>>
  save(accountId: AccountId, quota: Quota): Promise<void>
}
