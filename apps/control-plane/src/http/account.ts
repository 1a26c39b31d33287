import { type AccountId, amount, formatTokens } from '@fog/kernel'
import type { Job } from '@fog/scheduler'
import type { Platform } from '../platform.ts'

/** More open jobs than an account may have; finished ones wait for their settlement for a moment only. */
const LATEST = 1000

/** What an account may spend, and what its jobs hold. */
export async function onHoldOf(
  { database }: Platform,
  accountId: AccountId,
): Promise<{ available: string; onHold: string }> {
  const { jobs, ledger } = database.read
  const [account, queued, running, latest] = await Promise.all([
    ledger.findAccount(accountId),
    jobs.listJobs({ accountId, status: 'queued', limit: LATEST }),
    jobs.listJobs({ accountId, status: 'running', limit: LATEST }),
    jobs.listJobs({ accountId, limit: LATEST }),
  ])
  const held = new Map([...queued, ...running, ...latest.filter(isHeld)].map((job) => [job.jobId, job.priceCap]))
  const onHold = amount([...held.values()].reduce((sum, cap) => sum + cap, 0n))
  return { available: formatTokens(account?.balance ?? 0n), onHold: formatTokens(onHold) }
}

function isHeld(job: Job): boolean {
  return !job.settled
}
