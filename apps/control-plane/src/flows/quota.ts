import { type AccountId, type Amount, formatTokens, type Instant } from '@fog/kernel'
import type { AccountUsage } from '@fog/scheduler'
import type { Limits } from '../config.ts'
import type { Quota } from '../quota-store.ts'
import { JobError } from './job-error.ts'

/** What a quota counts over: the last 24 hours. */
export const QUOTA_DAY_MS = 24 * 3_600_000

/** What an account may have, its own quota before the settings; undefined is without limit. */
export interface EffectiveQuota {
  readonly openJobs: number
  readonly openTasks: number
  readonly cpuMilli: number | undefined
  readonly costPerDay: Amount | undefined
}

export function effectiveQuota(own: Quota, limits: Limits): EffectiveQuota {
  return {
    openJobs: own.openJobs ?? limits.maxOpenJobsPerAccount,
    openTasks: own.openTasks ?? limits.maxOpenTasksPerAccount,
    cpuMilli: own.cpuMilli ?? limits.maxCpuMilliPerAccount,
    costPerDay: own.costPerDay ?? limits.maxCostPerDay,
  }
}

/** Since when costs count; undefined where they have no limit, which spares the question. */
export function daySince({ costPerDay }: EffectiveQuota, now: Instant): Instant | undefined {
  return costPerDay === undefined ? undefined : now - QUOTA_DAY_MS
}

/** What a job adds to what its account has. */
export interface Addition {
  readonly tasks: number
  /** Of its largest task. */
  readonly cpuMilli: number
  readonly priceCap: Amount
}

/** Why an account may not have one more job, with the numbers; nothing when it may. */
export function quotaFaults(quota: EffectiveQuota, usage: AccountUsage, adds: Addition): JobError[] {
  const faults: JobError[] = []
  const { openJobs: open, openTasks } = usage
  if (open >= quota.openJobs) faults.push(new JobError({ code: 'job.too_many_open', open, limit: quota.openJobs }))
  if (openTasks + adds.tasks > quota.openTasks) {
    const [tasks, limit] = [adds.tasks, quota.openTasks]
    faults.push(new JobError({ code: 'job.too_many_tasks', open: openTasks, adds: tasks, limit }))
  }
  if (quota.cpuMilli !== undefined && adds.cpuMilli > quota.cpuMilli) {
    const [wants, limit] = [adds.cpuMilli / 1000, quota.cpuMilli / 1000]
    faults.push(new JobError({ code: 'job.too_many_cores', wants, limit }))
  }
  if (quota.costPerDay !== undefined && usage.cost + adds.priceCap > quota.costPerDay) {
    const [spent, more, limit] = [usage.cost, adds.priceCap, quota.costPerDay].map((each) => formatTokens(each))
    faults.push(new JobError({ code: 'job.day_spent', spent: spent!, adds: more!, limit: limit! }))
  }
  return faults
}

/** For so long what accounts may use is taken for granted: asking at every placement costs, and a quota changes rarely. */
const KNOWN_MS = 1_000

/** Quotas of cores as they were when they were last asked for. */
export class KnownCpuQuotas {
  readonly #known = new Map<AccountId, { readonly at: Instant; readonly limit: number | undefined }>()

  async of(
    quotas: Parameters<typeof cpuQuotas>[0],
    limits: Parameters<typeof cpuQuotas>[1],
    accountIds: readonly AccountId[],
    now: Instant,
  ): Promise<ReadonlyMap<AccountId, number>> {
    const stale = accountIds.filter((accountId) => now - (this.#known.get(accountId)?.at ?? -Infinity) > KNOWN_MS)
    if (stale.length > 0) {
      // Accounts that submit no more are forgotten with the rest: asking anew costs one statement.
      if (this.#known.size > MOST_KNOWN) this.#known.clear()
      const found = await cpuQuotas(quotas, limits, accountIds)
      for (const accountId of accountIds) this.#known.set(accountId, { at: now, limit: found.get(accountId) })
    }
    return new Map(
      accountIds.flatMap((accountId) => {
        const limit = this.#known.get(accountId)?.limit
        return limit === undefined ? [] : [[accountId, limit] as const]
      }),
    )
  }
}

const MOST_KNOWN = 10_000

/** How many cores each of these accounts may use at a time, in thousandths; those without a limit are left out. */
export async function cpuQuotas(
  quotas: { listCpu(accountIds: readonly AccountId[]): Promise<ReadonlyMap<AccountId, number>> },
  limits: Pick<Limits, 'maxCpuMilliPerAccount'>,
  accountIds: readonly AccountId[],
): Promise<ReadonlyMap<AccountId, number>> {
  const own = await quotas.listCpu(accountIds)
  const { maxCpuMilliPerAccount: general } = limits
  if (general === undefined) return own
  return new Map(accountIds.map((accountId) => [accountId, own.get(accountId) ?? general]))
}
