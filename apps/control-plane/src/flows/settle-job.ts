import { type Amount, amount, formatTokens, type HoldId, type JobId } from '@fog/kernel'
import { type Job, type Payable, payable } from '@fog/scheduler'
import { Ledger, type Payment } from '@fog/tokenomics'
import type { Batch, Platform } from '../platform.ts'
import type { Stores, Transaction } from '../ports.ts'
import { feeOf, payByNode } from './job-price.ts'
import { creditsOfJob, creditSum, payCredit } from './pay-credits.ts'

const MOST = 32
const PAGE = 1000

/**
 * Ends the holds of finished jobs: accepted work is paid, the rest goes back, and what was promised and not kept is credited.
 * Each in one transaction with its events.
 */
export async function settleJobs(platform: Platform): Promise<Batch> {
  const { database, clock } = platform
  return database.transact(async (tx) => {
    const jobs = await tx.jobs.takeUnsettled(MOST)
    const ledger = new Ledger({ store: tx.ledger, clock })
    for (const job of jobs) await settleJob(platform, tx, ledger, job)
    if (jobs.length > 0) tx.wake('events')
    return { next: jobs.length === MOST ? 'more' : 'idle', count: jobs.length }
  })
}

async function settleJob(platform: Platform, tx: Transaction, ledger: Ledger, job: Job): Promise<void> {
  const { clock, config } = platform
  const work = await paidWork(tx, job.jobId)
  const pay = payByNode(job, work, feeOf(job, config.prices.feeBasisPoints))
  const credit = creditSum(await creditsOfJob(tx, job, work))
  const payments = pay.map(({ ownerId, paid }) => ({ accountId: ownerId, amount: paid }))
  const fee = amount(pay.reduce((sum, each) => sum + each.fee, 0n))
  const end = await endHold(ledger, job.holdId, payments, fee)
  const [cost, returned] = [formatTokens(end.hold.spent), formatTokens(end.refunded)]
  const { accountId, jobId } = job
  const data = { cost, returned, ...(credit > 0n ? { credit: formatTokens(credit) } : {}) }
  await tx.events.append([{ type: 'job.settled', at: clock.now(), accountId, jobId, data }])
  const settled: Job = { ...job, settled: true, cost: end.hold.spent, ...(credit > 0n ? { credit } : {}) }
  await tx.jobs.saveJob(await payCredit(platform, tx, ledger, settled))
}

/** The results a finished job pays for. Read in pages: a job may have very many. */
export async function paidWork(stores: Pick<Stores, 'jobs'>, jobId: JobId): Promise<Payable[]> {
  const work: Payable[] = []
  for (let after: number | undefined; ;) {
    const page = await stores.jobs.listAgreed({ jobId, after, limit: PAGE })
    const last = page.at(-1)
    if (!last) return work
    after = last.task.index
    const byTask = Map.groupBy(page, ({ task }) => task.taskId)
    for (const results of byTask.values()) {
      const attempts = results.map(({ attempt }) => attempt)
      work.push(...payable([{ task: results[0]!.task, attempts }]))
    }
  }
}

async function endHold(ledger: Ledger, holdId: HoldId, payments: readonly Payment[], treasuryFee: Amount) {
  if (payments.length === 0 && treasuryFee === 0n) return ledger.release(holdId)
  return ledger.settle({ holdId, payments, treasuryFee })
}
