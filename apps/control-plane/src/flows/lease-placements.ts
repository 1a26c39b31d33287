import { NOTHING } from '@fog/fog'
import { assert, type AttemptId, type Instant, newId } from '@fog/kernel'
import {
  type Attempt,
  coverOf,
  handsOnState,
  isHiddenFor,
  leaseMsOf,
  type NodeView,
  type Placement,
  type QueuedTask,
  resumedFrom,
} from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'

export interface Placements {
  /** Each has room on its node. */
  readonly placed: readonly Placement[]
  /** Given out ahead of their turn: the device begins them when it has room, so nothing is taken of it now. */
  readonly ahead?: readonly Placement[] | undefined
}

/**
 * Makes placements true: reservations, which refuse what is stale, and a lease for each that was reserved. `queue` holds
 * every task placed, `nodes` every node placed on. Answers the leases.
 */
export async function leasePlacements(
  platform: Platform,
  tx: Transaction,
  { placed, ahead = [] }: Placements,
  queue: readonly QueuedTask[],
  nodes: readonly Pick<NodeView, 'nodeId' | 'ownerId' | 'circuits' | 'reach'>[],
): Promise<readonly Attempt[]> {
  assertHidden([...placed, ...ahead], queue, nodes)
  const leases = leasesFor(platform, [...placed, ...ahead], queue, nodes, platform.clock.now())
  if (leases.length === 0) return []
  const attempts = await resumed(tx, leases, queue)
  const tasks = new Map(queue.map((each) => [each.task.taskId, each]))
  const wanted = attempts.map(({ attemptId, nodeId, taskId }, i) => {
    const { cpuMilli, memoryBytes, diskBytes } = tasks.get(taskId)!.job.spec.limits
    const resources = i < placed.length ? { cpuMilli, memoryBytes, diskBytes } : NOTHING
    return { attemptId, nodeId, resources }
  })
  const reserved = new Set<AttemptId>(await tx.nodes.reserve(wanted))
  const leased = attempts.filter(({ attemptId }) => reserved.has(attemptId))
  const changes = leased.map((attempt): TaskChange => ({ taskId: attempt.taskId, event: { type: 'placed', attempt } }))
  await advanceTasks(platform, tx, changes, { locked: queue })
  tx.wake('dispatch')
  return leased
}

/** Every way of placing ends here, and none may show a job that asked to be hidden. */
function assertHidden(
  placements: readonly Placement[],
  queue: readonly QueuedTask[],
  nodes: readonly Pick<NodeView, 'nodeId' | 'circuits' | 'reach'>[],
): void {
  const hiding = new Map(queue.flatMap(({ task, job }) => (coverOf(job.spec) ? [[task.taskId, job.spec]] : [])))
  if (hiding.size === 0) return
  const byId = new Map(nodes.map((node) => [node.nodeId, node]))
  for (const { taskId, nodeId } of placements) {
    const [spec, node] = [hiding.get(taskId), byId.get(nodeId)]
    assert(!spec || (node && isHiddenFor(spec, node)), 'a job that hides is placed on nodes that are hidden')
  }
}

/** A task that was under way before goes on from its newest checkpoint, where it may. */
async function resumed(tx: Transaction, leases: readonly Attempt[], queue: readonly QueuedTask[]): Promise<Attempt[]> {
  const left = queue.filter(({ task, attempts }) => handsOnState(task) && attempts.some(({ checkpoint }) => checkpoint))
  const newest = await tx.checkpoints.newest(left.map(({ task }) => task.taskId))
  return leases.map((lease) => {
    const checkpoint = newest.get(lease.taskId)
    return checkpoint ? { ...lease, resumedFrom: resumedFrom(checkpoint) } : lease
  })
}

/** A lease for each placement; several of one task carry rising fences. */
function leasesFor(
  { config, rng }: Platform,
  placements: readonly Placement[],
  queue: readonly QueuedTask[],
  nodes: readonly Pick<NodeView, 'nodeId' | 'ownerId'>[],
  at: Instant,
): Attempt[] {
  const tasks = new Map(queue.map((each) => [each.task.taskId, each]))
  const owners = new Map(nodes.map(({ nodeId, ownerId }) => [nodeId, ownerId]))
  const fences = new Map<string, number>()
  return placements.map(({ taskId, nodeId }) => {
    const { task, job } = tasks.get(taskId)!
    const fence = (fences.get(taskId) ?? task.attempts) + 1
    fences.set(taskId, fence)
    const leaseMs = leaseMsOf(job.spec.tier, config.timing.leaseMs)
    return {
      attemptId: newId('attempt', at, rng),
      taskId,
      jobId: task.jobId,
      nodeId,
      ownerId: owners.get(nodeId)!,
      fence,
      status: 'leased',
      leasedAt: at,
      leaseExpiresAt: at + leaseMs,
      leaseMs,
    }
  })
}
