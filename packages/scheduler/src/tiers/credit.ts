import { type Amount, amount, type TaskId } from '@fog/kernel'
import type { Job } from '../job.ts'
import { TIER_TERMS } from '../tier.ts'
import type { Incident, PromiseKind } from './incidents.ts'

/** What comes back for one task. */
export interface TaskCredit {
  readonly taskId: TaskId
  /** What was not kept. */
  readonly broken: readonly PromiseKind[]
  readonly credit: Amount
}

/** 95 of 100 tasks begin in time: so many of a job may be late without a breach. */
const LATE_SHARE = 20

/**
 * What comes back for promises that were not kept: of the price of each task they touch, the share that the tier names,
 * once, however many promises were broken; part units are dropped. A task that was not paid for gives nothing back. The
 * wait in the queue is promised to 95 of 100 tasks of a job, so it counts only where more than a twentieth were late.
 */
export function creditsOf(
  { spec, tasks }: Pick<Job, 'spec' | 'tasks'>,
  incidents: readonly Incident[],
  priceOf: (taskId: TaskId) => Amount,
): TaskCredit[] {
  const { creditBasisPoints } = TIER_TERMS[spec.tier]
  const broken = incidents.filter((incident) => incident.broken)
  const late = new Set(broken.filter(({ kind }) => kind === 'queue_wait').map(({ taskId }) => taskId))
  const isForgiven = late.size <= Math.floor(tasks / LATE_SHARE)
  const counted = broken.filter(({ kind }) => kind !== 'queue_wait' || !isForgiven)
  return [...Map.groupBy(counted, ({ taskId }) => taskId)].flatMap(([taskId, of]) => {
    const credit = amount((priceOf(taskId) * BigInt(creditBasisPoints)) / 10_000n)
    if (credit === 0n) return []
    return [{ taskId, broken: [...new Set(of.map(({ kind }) => kind))], credit }]
  })
}
