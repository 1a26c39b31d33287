import type { QuotaChange, QuotaView } from '@fog/contract'
import { type AccountId, formatTokens, parseId, parseTokens } from '@fog/kernel'
import { noteAct } from '../../access/audit.ts'
import type { KnownCaller } from '../../access/known-caller.ts'
import { effectiveQuota, QUOTA_DAY_MS } from '../../flows/quota.ts'
import type { Platform } from '../../platform.ts'
import type { Quota } from '../../quota-store.ts'
import { HttpError } from '../errors.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { present } from '../present.ts'

export function quotaHandlers({
  platform,
}: HandlerDependencies): Pick<Handlers, 'getQuota' | 'getAccountQuota' | 'setAccountQuota'> {
  return {
    getQuota: async ({ caller }) => quotaOf(platform, caller.accountId),

    getAccountQuota: async ({ params }) => quotaOf(platform, await findAccount(platform, params.accountId)),

    setAccountQuota: async ({ caller, params, body }) => {
      const accountId = await findAccount(platform, params.accountId)
      await changeQuota(platform, caller, accountId, body)
      return quotaOf(platform, accountId)
    },
  }
}

async function findAccount({ database }: Platform, text: string): Promise<AccountId> {
  const account = await database.read.ledger.findAccount(parseId('account', text))
  if (!account) throw new HttpError({ code: 'http.not_found', what: 'account with this id' })
  return account.accountId
}

async function changeQuota(
  { database, clock }: Platform,
  { userId: actor, address }: KnownCaller,
  accountId: AccountId,
  change: QuotaChange,
): Promise<void> {
  await database.transact(async (tx) => {
    const next = changed(await tx.quotas.lock(accountId), change)
    await tx.quotas.save(accountId, next)
    await noteAct(tx.access, clock, { actor, action: 'quota.changed', subject: accountId, address, facts: change })
  })
}

function changed(quota: Quota, { openJobs, openTasks, cores, tokensPerDay }: QuotaChange): Quota {
  const next = <Value, Kept>(
    value: Value | 'default' | undefined,
    kept: Kept | undefined,
    of: (value: Value) => Kept,
  ) => (value === undefined ? kept : value === 'default' ? undefined : of(value))
  return {
    openJobs: next(openJobs, quota.openJobs, (limit: number) => limit),
    openTasks: next(openTasks, quota.openTasks, (limit: number) => limit),
    cpuMilli: next(cores, quota.cpuMilli, (limit: number) => Math.round(limit * 1000)),
    costPerDay: next(tokensPerDay, quota.costPerDay, parseTokens),
  }
}

async function quotaOf({ database, config, clock }: Platform, accountId: AccountId): Promise<QuotaView> {
  const { quotas, jobs } = database.read
  const own = await quotas.find(accountId)
  const { openJobs, openTasks, cpuMilli, costPerDay } = effectiveQuota(own, config.limits)
  const usage = await jobs.usageOf(accountId, clock.now() - QUOTA_DAY_MS)
  return {
    accountId,
    openJobs: { used: usage.openJobs, limit: openJobs, own: own.openJobs !== undefined },
    openTasks: { used: usage.openTasks, limit: openTasks, own: own.openTasks !== undefined },
    cores: {
      used: ((await jobs.cpuInUse([accountId])).get(accountId) ?? 0) / 1000,
      ...present({ limit: cpuMilli === undefined ? undefined : cpuMilli / 1000 }),
      own: own.cpuMilli !== undefined,
    },
    tokensPerDay: {
      used: formatTokens(usage.cost),
      ...present({ limit: costPerDay === undefined ? undefined : formatTokens(costPerDay) }),
      own: own.costPerDay !== undefined,
    },
  }
}
