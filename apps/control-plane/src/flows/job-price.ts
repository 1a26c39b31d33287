import type { AccountId, Amount, NodeId } from '@fog/kernel'
import { amount } from '@fog/kernel'
import { type Job, type Payable, stepPlaceOf, TIER_TERMS } from '@fog/scheduler'
import { priceOf, splitPayment } from '@fog/tokenomics'
import { priceOfResult } from './job-spec.ts'

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
export function priceOfWork(
  job: Job,
  { index, fuel, fuelBefore }: Pick<Payable, 'index' | 'fuel' | 'fuelBefore'>,
): Amount {
  const { priceMilli } = TIER_TERMS[job.spec.tier]
  const { unitsPerGigafuel } = job
  const cap = capOfTask(job, index)
  const upTo = (fuelUsed: bigint) => priceOf({ fuelUsed, cap, unitsPerGigafuel, priceMilli })
  return amount(upTo(fuelBefore + fuel) - upTo(fuelBefore))
}

/** What the treasury keeps of each payment of a job: as agreed at submission, or where nobody noted it, as it is set now. */
export function feeOf({ feeBasisPoints }: Job, settingBasisPoints: bigint): bigint {
  return feeBasisPoints === undefined ? settingBasisPoints : BigInt(feeBasisPoints)
}

/** The most one result of a task can cost: in a job of several steps that of its own step. */
function capOfTask({ spec, taskPriceCap, unitsPerGigafuel }: Job, index: number): Amount {
  const place = stepPlaceOf(spec, index)
  if (place === undefined) return taskPriceCap
  return priceOfResult({ tier: spec.tier, limits: spec.steps![place]!.limits }, { unitsPerGigafuel })
}
