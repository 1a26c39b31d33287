import type { AccountId } from '@fog/kernel'
import type { QueuedTask } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { KnownCpuQuotas } from './quota.ts'

/**
 * The tasks whose accounts have cores left, oldest first within each; the others wait until some of theirs end. Tasks that
 * start together are let through together or not at all.
 */
export async function withinQuota(
  { config, clock }: Pick<Platform, 'config' | 'clock'>,
  tx: Transaction,
  queue: readonly QueuedTask[],
  known = new KnownCpuQuotas(),
): Promise<readonly QueuedTask[]> {
  const accountIds = [...new Set(queue.map(({ job }) => job.accountId))]
  const quotas = await known.of(tx.quotas, config.limits, accountIds, clock.now())
  if (quotas.size === 0) return queue
  const inUse = await tx.jobs.cpuInUse([...quotas.keys()])
  const left = new Map([...quotas].map(([accountId, limit]) => [accountId, limit - (inUse.get(accountId) ?? 0)]))
  const allowed = new Set<QueuedTask>()
  for (const unit of Map.groupBy(queue, unitOf).values())
    if (takeRoom(left, unit)) unit.forEach((one) => allowed.add(one))
  return queue.filter((queued) => allowed.has(queued))
}

function unitOf({ task, job }: QueuedTask): string {
  return job.spec.gang ? `${job.jobId} ${job.spec.step?.name ?? ''}` : task.taskId
}

function takeRoom(left: Map<AccountId, number>, unit: readonly QueuedTask[]): boolean {
  const { accountId } = unit[0]!.job
  const room = left.get(accountId)
  if (room === undefined) return true
  const wants = unit.reduce((sum, { task, job }) => sum + task.pending * job.spec.limits.cpuMilli, 0)
  if (wants > room) return false
  left.set(accountId, room - wants)
  return true
}
