import type { ReceiptView } from '@fog/contract'
import { type Amount, amount, formatTokens, toRfc3339, ZERO } from '@fog/kernel'
import { fuelOf, type Job, type Payable, type TaskCredit, TIER_TERMS } from '@fog/scheduler'
import { transferIdOf } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import type { Stores } from '../ports.ts'
import { feeOf, type NodePay, payByNode } from './job-price.ts'
import { creditsOfJob, creditSum } from './pay-credits.ts'
import { paidWork } from './settle-job.ts'

/** Who ran the job, how long, what it used and what it cost. Until the job is settled, what it has cost so far. */
export async function receiptOf({ database, config }: Platform, job: Job): Promise<ReceiptView> {
  const work = await paidWork(database.read, job.jobId)
  const hold = await database.read.ledger.findHold(job.holdId)
  const held = hold?.amount ?? job.priceCap
  const pay = payByNode(job, work, feeOf(job, config.prices.feeBasisPoints))
  const credits = await creditsOfJob(database.read, job, work)
  const credit = job.credit ?? creditSum(credits)
  const cost = job.cost ?? amount(pay.reduce((sum, { price }) => sum + price, 0n))
  const fee = amount(pay.reduce((sum, each) => sum + each.fee, 0n))
  const { priceMilli } = TIER_TERMS[job.spec.tier]
  return {
    jobId: job.jobId,
    name: job.spec.name,
    status: job.status,
    submittedAt: toRfc3339(job.submittedAt),
    ...(job.finishedAt === undefined ? {} : { finishedAt: toRfc3339(job.finishedAt) }),
    tasks: job.tasks,
    done: job.counts.done,
    failed: job.counts.failed,
    fuel: String(work.reduce((sum, { fuel }) => sum + fuel, 0n)),
    cpuMs: sumOf(work, 'cpuMs'),
    wallMs: sumOf(work, 'wallMs'),
    held: formatTokens(held),
    cost: formatTokens(cost),
    returned: formatTokens(job.settled ? held - cost : ZERO),
    fee: formatTokens(fee),
    unitPrice: formatTokens((job.unitsPerGigafuel * BigInt(priceMilli)) / 1000n),
    settled: job.settled,
    ...(credit > 0n ? { credit: creditView(job, credits, credit) } : {}),
    ...(job.settled
      ? { transferId: transferIdOf(job.holdId, hold?.status === 'released' ? 'release' : 'settle') }
      : {}),
    lines: await linesOf(database.read.nodes, pay),
  }
}

function creditView(
  { creditPaid = ZERO, spec }: Job,
  credits: readonly TaskCredit[],
  credit: Amount,
): NonNullable<ReceiptView['credit']> {
  return {
    due: formatTokens(credit),
    paid: formatTokens(creditPaid),
    owed: formatTokens(amount(credit - creditPaid)),
    percent: TIER_TERMS[spec.tier].creditBasisPoints / 100,
    tasks: credits.length,
    broken: [...new Set(credits.flatMap(({ broken }) => broken))].sort(),
  }
}

async function linesOf(nodes: Stores['nodes'], pay: readonly NodePay[]): Promise<ReceiptView['lines']> {
  const lines: ReceiptView['lines'] = []
  for (const { nodeId, ownerId, work, paid } of pay) {
    const node = await nodes.find(nodeId)
    lines.push({
      nodeId,
      nodeName: node?.name ?? 'unknown',
      ownerId,
      tasks: new Set(work.filter(({ kind }) => kind === 'result').map(({ taskId }) => taskId)).size,
      fuel: String(work.reduce((sum, { fuel }) => sum + fuel, 0n)),
      cpuMs: sumOf(work, 'cpuMs'),
      paid: formatTokens(paid),
      ...checkpointedOf(work),
    })
  }
  return lines
}

/** What was done up to checkpoints that others went on from. */
function checkpointedOf(work: readonly Payable[]): { checkpointedFuel?: string } {
  const handedOn = work.filter(({ kind }) => kind === 'checkpoint')
  return handedOn.length > 0 ? { checkpointedFuel: String(fuelOf(handedOn)) } : {}
}

function sumOf(work: readonly Payable[], figure: 'cpuMs' | 'wallMs'): number {
  return work.reduce((sum, result) => sum + result[figure], 0)
}
