import type { ReceiptView } from '@fog/contract'
import { amount, formatTokens, toRfc3339, ZERO } from '@fog/kernel'
import { type Job, TIER_TERMS } from '@fog/scheduler'
import { splitPayment, transferIdOf } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import { paidWork, type PaidResult, priceOfWork } from './settle-job.ts'

/** Who ran the job, how long, what it used and what it cost. Until the job is settled, what it has cost so far. */
export async function receiptOf({ database, config }: Platform, job: Job): Promise<ReceiptView> {
  const work = await paidWork(database.read, job.jobId)
  const hold = await database.read.ledger.findHold(job.holdId)
  const held = hold?.amount ?? job.priceCap
  const priced = work.map((result) => ({ result, price: priceOfWork(job, result.fuel) }))
  const cost = job.cost ?? amount(priced.reduce((sum, { price }) => sum + price, 0n))
  const feeOf = (price: typeof cost) => splitPayment(price, config.prices.feeBasisPoints).treasury
  const fee = amount(priced.reduce((sum, { price }) => sum + feeOf(price), 0n))
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
    ...(job.settled
      ? { transferId: transferIdOf(job.holdId, hold?.status === 'released' ? 'release' : 'settle') }
      : {}),
    lines: await linesOf(database.read.nodes, priced, feeOf),
  }
}

type Priced = { readonly result: PaidResult; readonly price: ReturnType<typeof priceOfWork> }

async function linesOf(
  nodes: Platform['database']['read']['nodes'],
  priced: readonly Priced[],
  feeOf: (price: Priced['price']) => bigint,
): Promise<ReceiptView['lines']> {
  const lines: ReceiptView['lines'] = []
  for (const [nodeId, results] of Map.groupBy(priced, ({ result }) => result.nodeId)) {
    const node = await nodes.find(nodeId)
    const work = results.map(({ result }) => result)
    lines.push({
      nodeId,
      nodeName: node?.name ?? 'unknown',
      ownerId: work[0]!.ownerId,
      tasks: new Set(work.map(({ taskId }) => taskId)).size,
      fuel: String(work.reduce((sum, { fuel }) => sum + fuel, 0n)),
      cpuMs: sumOf(work, 'cpuMs'),
      paid: formatTokens(results.reduce((sum, { price }) => sum + price - feeOf(price), 0n)),
    })
  }
  return lines
}

function sumOf(work: readonly PaidResult[], figure: 'cpuMs' | 'wallMs'): number {
  return work.reduce((sum, result) => sum + result[figure], 0)
}
