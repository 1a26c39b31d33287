import type { LeaseMessage } from '@fog/contract'
import type { Reach } from '@fog/fog'
import type { AttemptId, GatewayId, NodeId } from '@fog/kernel'
import { type Dispatch, fillingOf, fillTemplate, fuelBefore } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { advanceTasks } from './advance-tasks.ts'
import { jobOfTask } from './job-of-task.ts'
import { isSecret, UNMIXED } from './secrecy.ts'
import { stateBytesOf } from './take-checkpoint.ts'

const BATCH = 512

/**
 * Sends leases to the nodes this gateway holds a channel to. Sent first and noted after: a crash in between sends a lease
 * twice, which its fencing token makes harmless; the other order could lose one. A secret task that was placed on a
 * node which has since connected directly is taken back unsent.
 */
export async function dispatchLeases(
  platform: Platform,
  gatewayId: GatewayId,
  nodeIds: readonly NodeId[],
  send: (nodeId: NodeId, leases: readonly LeaseMessage[]) => void,
  reachOf: (nodeId: NodeId) => Reach = () => 'direct',
): Promise<'more' | 'idle'> {
  if (nodeIds.length === 0) return 'idle'
  const { database } = platform
  const found = await database.read.jobs.listUndispatched(nodeIds, BATCH)
  if (found.length === 0) return 'idle'
  const isShown = ({ attempt, job }: Dispatch) => isSecret(job.spec) && reachOf(attempt.nodeId) !== 'mixnet'
  const shown = found.filter(isShown)
  if (shown.length > 0) await takeBack(platform, shown, UNMIXED)
  const hidden = found.filter((dispatch) => !isShown(dispatch))
  for (const [nodeId, leases] of Map.groupBy(await leasesOf(platform, hidden), ({ to }) => to)) {
    send(
      nodeId,
      leases.map(({ lease }) => lease),
    )
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
export async function leasesAgain(platform: Platform, attemptIds: readonly AttemptId[]): Promise<LeaseMessage[]> {
  const { jobs } = platform.database.read
  const dispatches: Dispatch[] = []
  for (const attempt of await jobs.findAttempts(attemptIds)) {
    const [found, job] = [await jobs.findTask(attempt.taskId), await jobs.findJob(attempt.jobId)]
    if (found && job) dispatches.push({ attempt, task: found.task, job: await jobOfTask(jobs, job, found.task) })
  }
  return (await leasesOf(platform, dispatches)).map(({ lease }) => lease)
}

/** Leases with what their tasks go on from. Where that is gone, as after a restored backup, the task starts anew. */
async function leasesOf(
  platform: Platform,
  dispatches: readonly Dispatch[],
): Promise<{ readonly to: NodeId; readonly lease: LeaseMessage }[]> {
  const { database, config } = platform
  const going = dispatches.filter(({ attempt }) => attempt.resumedFrom !== undefined)
  const newest = await database.read.checkpoints.newest(going.map(({ task }) => task.taskId))
  const left = ({ attempt, task }: Dispatch) => {
    const from = newest.get(task.taskId)
    return from?.attemptId === attempt.resumedFrom?.attemptId ? from : undefined
  }
  const gone = going.filter((dispatch) => !left(dispatch))
  if (gone.length > 0) await takeBack(platform, gone, 'the checkpoint it was to go on from is gone')
  return dispatches
    .filter((dispatch) => !gone.includes(dispatch))
    .map((dispatch) => {
      const { everyMs, maxBytes } = {
        everyMs: config.timing.checkpointMs,
        maxBytes: stateBytesOf(platform, dispatch.job),
      }
      const files = left(dispatch)?.files ?? []
      return { to: dispatch.attempt.nodeId, lease: leaseMessage(dispatch, { everyMs, maxBytes, files: [...files] }) }
    })
}

/** Puts tasks back into the queue whose leases are not sent. */
async function takeBack(platform: Platform, dispatches: readonly Dispatch[], why: string): Promise<void> {
  const { database, clock, rng } = platform
  const changes = dispatches.map(({ attempt: { taskId, attemptId } }) => {
    return { taskId, event: { type: 'lost', attemptId, at: clock.now(), why, jitter: rng.next() } as const }
  })
  await database.transact((tx) => advanceTasks(platform, tx, changes))
}

/** The task with its job's templates filled in. */
export function leaseMessage(
  { attempt, task, job: { spec } }: Dispatch,
  state: NonNullable<LeaseMessage['state']>,
): LeaseMessage {
  const { limits } = spec
  const filling = fillingOf(spec, task)
  const fill = (text: string) => fillTemplate(text, filling)
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
    state,
    limits: { ...limits, fuel: String(limits.fuel - fuelBefore(attempt)) },
  }
}
