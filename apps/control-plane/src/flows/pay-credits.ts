import { type Amount, amount, formatTokens, newId, type TaskId, ZERO } from '@fog/kernel'
import { creditsOf, type Job, type Payable, type TaskCredit } from '@fog/scheduler'
import { Ledger, TREASURY } from '@fog/tokenomics'
import type { Batch, Platform } from '../platform.ts'
import type { FogEvent, Stores, Transaction } from '../ports.ts'
import { priceOfWork } from './job-price.ts'

const MOST = 32

/** What comes back to the submitter of a finished job, task by task; nothing while every promise was kept. */
export async function creditsOfJob(
  { jobs }: Pick<Stores, 'jobs'>,
  job: Job,
  work: readonly Payable[],
): Promise<TaskCredit[]> {
  const incidents = await jobs.tiers.listIncidents(job.jobId)
  if (incidents.length === 0) return []
  const prices = new Map<TaskId, bigint>()
  for (const each of work) prices.set(each.taskId, (prices.get(each.taskId) ?? 0n) + priceOfWork(job, each))
  return creditsOf(job, incidents, (taskId) => amount(prices.get(taskId) ?? 0n))
}

/** The sum of them. */
export function creditSum(credits: readonly TaskCredit[]): Amount {
  return amount(credits.reduce((sum, { credit }) => sum + credit, 0n))
}

/**
 * Pays what is due to a job's submitter out of the treasury, as far as it goes, and answers the job as it then stands. What
 * the treasury lacks stays owed: `payOwedCredits` pays it when there is money, the oldest first.
 */
export async function payCredit(
  { clock, rng }: Pick<Platform, 'clock' | 'rng'>,
  tx: Transaction,
  ledger: Ledger,
  job: Job,
): Promise<Job> {
  const { credit = ZERO, creditPaid = ZERO, accountId, jobId } = job
  const due = amount(credit - creditPaid)
  if (due === 0n) return job
  const at = clock.now()
  const transferId = newId('transfer', at, rng)
  const { paid } = await ledger.credit({ transferId, accountId, amount: due, reference: jobId })
  if (paid > 0n) await tx.events.append([creditedEvent(job, paid, amount(due - paid), at)])
  return { ...job, creditPaid: amount(creditPaid + paid) }
}

/** Pays credits that were owed, as far as the treasury has money again. */
export async function payOwedCredits(platform: Platform): Promise<Batch> {
  const { database, clock } = platform
  const treasury = await database.read.ledger.findAccount(TREASURY)
  if (!treasury || treasury.balance === 0n) return { next: 'idle', count: 0 }
  return database.transact(async (tx) => {
    const owing = await tx.jobs.tiers.takeOwing(MOST)
    const ledger = new Ledger({ store: tx.ledger, clock })
    let count = 0
    for (const job of owing) {
      const paid = await payCredit(platform, tx, ledger, job)
      if (paid.creditPaid === job.creditPaid) break
      await tx.jobs.saveJob(paid)
      count += 1
    }
    if (count > 0) tx.wake('events')
    return { next: count === MOST ? 'more' : 'idle', count }
  })
}

function creditedEvent({ accountId, jobId }: Job, paid: Amount, owed: Amount, at: number): FogEvent {
  return { type: 'job.credited', at, accountId, jobId, data: { paid: formatTokens(paid), owed: formatTokens(owed) } }
}
