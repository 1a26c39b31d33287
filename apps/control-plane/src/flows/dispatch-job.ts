import type { LeaseMessage } from '@fog/contract'
import type { AttemptId, GatewayId, NodeId } from '@fog/kernel'
import type { Dispatch } from '@fog/scheduler'
import type { Platform } from '../platform.ts'

const BATCH = 256

/**
 * Sends leases to the nodes this gateway holds a channel to. Sent first and noted after: a crash in between sends a lease
 * twice, which its fencing token makes harmless; the other order could lose one.
 */
export async function dispatchLeases(
  { database }: Platform,
  gatewayId: GatewayId,
  nodeIds: readonly NodeId[],
  send: (nodeId: NodeId, leases: readonly LeaseMessage[]) => void,
): Promise<'more' | 'idle'> {
  if (nodeIds.length === 0) return 'idle'
  const found = await database.read.jobs.listUndispatched(nodeIds, BATCH)
  if (found.length === 0) return 'idle'
  for (const [nodeId, dispatches] of Map.groupBy(found, ({ attempt }) => attempt.nodeId)) {
    send(nodeId, dispatches.map(leaseMessage))
  }
  await database.transact((tx) =>
    tx.jobs.markDispatched(
      found.map(({ attempt }) => attempt.attemptId),
      gatewayId,
    ),
  )
  return found.length === BATCH ? 'more' : 'idle'
}

/** Leases to send once more: the node never got them, or lost them before it began. */
export async function leasesAgain({ database }: Platform, attemptIds: readonly AttemptId[]): Promise<LeaseMessage[]> {
  const { jobs } = database.read
  const leases: LeaseMessage[] = []
  for (const attempt of await jobs.findAttempts(attemptIds)) {
    const [found, job] = [await jobs.findTask(attempt.taskId), await jobs.findJob(attempt.jobId)]
    if (found && job) leases.push(leaseMessage({ attempt, task: found.task, job }))
  }
  return leases
}

/** The task with its job's templates filled in. */
export function leaseMessage({ attempt, task, job: { spec } }: Dispatch): LeaseMessage {
  const { limits } = spec
  const fill = (text: string) => text.replaceAll('{item}', task.item).replaceAll('{index}', String(task.index))
  return {
    attemptId: attempt.attemptId,
    taskId: task.taskId,
    jobId: task.jobId,
    fence: attempt.fence,
    kind: spec.kind,
    program: { ...spec.program },
    args: spec.args.map(fill),
    env: Object.fromEntries(Object.entries(spec.env).map(([name, value]) => [name, fill(value)])),
    inputs: [...spec.inputs, ...task.inputs],
    ...(spec.stdin ? { stdin: { ...spec.stdin } } : {}),
    limits: { ...limits, fuel: String(limits.fuel) },
  }
}
