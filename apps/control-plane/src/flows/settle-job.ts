import { type AccountId, type Amount, amount, formatTokens, type HoldId, type JobId, type NodeId } from '@fog/kernel'
import { type Job, type Payable, payable, TIER_TERMS } from '@fog/scheduler'
import { Ledger, type Payment, priceOf, splitPayment } from '@fog/tokenomics'
import type { Batch, Platform } from '../platform.ts'
import type { Stores, Transaction } from '../ports.ts'

const MOST = 32
const PAGE = 1000

/** Ends the holds of finished jobs: accepted work is paid, the rest goes back. Each in one transaction with its event. */
export async function settleJobs({ database, clock, config }: Platform): Promise<Batch> {
  return database.transact(async (tx) => {
    const jobs = await tx.jobs.takeUnsettled(MOST)
    const ledger = new Ledger({ store: tx.ledger, clock })
    for (const job of jobs) await settleJob(tx, ledger, job, config.prices.feeBasisPoints, clock.now())
    if (jobs.length > 0) tx.wake('events')
    return { next: jobs.length === MOST ? 'more' : 'idle', count: jobs.length }
  })
}

async function settleJob(tx: Transaction, ledger: Ledger, job: Job, feeBasisPoints: bigint, at: number): Promise<void> {
  const work = await paidWork(tx, job.jobId)
  const pay = payByNode(job, work, feeBasisPoints)
  const payments = pay.map(({ ownerId, paid }) => ({ accountId: ownerId, amount: paid }))
  const fee = amount(pay.reduce((sum, each) => sum + each.fee, 0n))
  const end = await endHold(ledger, job.holdId, payments, fee)
  await tx.jobs.saveJob({ ...job, settled: true, cost: end.hold.spent })
  const [cost, returned] = [formatTokens(end.hold.spent), formatTokens(end.refunded)]
  const { accountId, jobId } = job
  await tx.events.append([{ type: 'job.settled', at, accountId, jobId, data: { cost, returned } }])
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

/** What a node earned with a job, and the platform's part of it. */
export interface NodePay {
  readonly nodeId: NodeId
  readonly ownerId: AccountId
  readonly work: readonly Payable[]
  readonly price: Amount
  readonly paid: Amount
  readonly fee: Amount
}

/** One payment a node: split once over all its work, so that small tasks do not lose their pay to rounding. */
export function payByNode(job: Job, work: readonly Payable[], feeBasisPoints: bigint): NodePay[] {
  return [...Map.groupBy(work, ({ nodeId }) => nodeId)].map(([nodeId, results]) => {
    const price = amount(results.reduce((sum, each) => sum + priceOfWork(job, each), 0n))
    const { worker: paid, treasury: fee } = splitPayment(price, feeBasisPoints)
    return { nodeId, ownerId: results[0]!.ownerId, work: results, price, paid, fee }
  })
}

/**
 * What a piece of paid work costs: what the line costs with it, less what it cost before. So the parts of a line cost together
 * what one node would have been paid for all of it, cap and rounding included.
 */
export function priceOfWork(job: Job, { fuel, fuelBefore }: Pick<Payable, 'fuel' | 'fuelBefore'>): Amount {
  const { priceMilli } = TIER_TERMS[job.spec.tier]
  const { taskPriceCap: cap, unitsPerGigafuel } = job
  const upTo = (fuelUsed: bigint) => priceOf({ fuelUsed, cap, unitsPerGigafuel, priceMilli })
  return amount(upTo(fuelBefore + fuel) - upTo(fuelBefore))
}
