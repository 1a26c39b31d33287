import { type AttemptId, type Instant, type JobId, newId, type NodeId } from '@fog/kernel'
import { type Attempt, type NodeView, plan, type QueuedTask, type Tier } from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'
import { allNodes, nodeView } from './node-views.ts'
import { route } from './route.ts'

/** So many tasks are planned together. */
const WINDOW = 256
/** So often a round reads on past jobs that have to wait, before it leaves the rest to the next round. */
const READS = 8

/** What one round hands to the next: where `round_robin` goes on, and which programs each node ran lately. */
export class Round {
  lastNodeId: NodeId | undefined
  readonly #warm = new Map<NodeId, Set<string>>()

  warmOn(nodeId: NodeId): ReadonlySet<string> | undefined {
    return this.#warm.get(nodeId)
  }

  placed(nodeId: NodeId, programDigest: string): void {
    const programs = this.#warm.get(nodeId) ?? new Set()
    this.#warm.set(nodeId, programs)
    // Oldest first in a set: a program placed again moves to the end.
    programs.delete(programDigest)
    programs.add(programDigest)
    for (const oldest of programs) {
      if (programs.size <= WARM_PROGRAMS) break
      programs.delete(oldest)
    }
  }
}

/** A worker keeps its latest programs compiled; about so many are worth going back for. */
const WARM_PROGRAMS = 8

/** What one call did. */
export interface PlacedRound {
  /** Whether more may be placed at once. */
  readonly next: 'more' | 'idle'
  readonly placed: readonly { readonly tier: Tier; readonly waitedMs: number }[]
}

/**
 * Gives queued tasks a node: a snapshot of the fog, a plan, reservations that refuse what is stale, and leases, in one
 * transaction. A task that cannot be placed now stays queued; `explainJob` says why.
 */
export async function placeJobs(platform: Platform, round: Round): Promise<PlacedRound> {
  const { database, clock } = platform
  return database.transact(async (tx) => {
    const now = clock.now()
    const waiting: JobId[] = []
    const placed: PlacedRound['placed'][number][] = []
    for (let read = 0; read < READS; read++) {
      const queue = await tx.jobs.takeQueued(now, WINDOW, waiting)
      if (queue.length === 0) break
      const nodes = await openNodes(tx, round)
      if (nodes.every(isFull)) break
      const attempts = await placeWindow(platform, tx, queue, nodes, round)
      placed.push(...waits(attempts, queue))
      if (attempts.length === queue.length && queue.length === WINDOW) return { next: 'more', placed }
      if (queue.length < WINDOW) break
      for (const { job } of queue) if (!waiting.includes(job.jobId)) waiting.push(job.jobId)
    }
    return { next: 'idle', placed }
  })
}

async function openNodes(tx: Transaction, round: Round): Promise<NodeView[]> {
  const nodes = await allNodes(tx.nodes)
  return nodes.map((node) => nodeView(node, round.warmOn(node.nodeId))).filter(({ closed }) => closed === undefined)
}

function waits(attempts: readonly Attempt[], queue: readonly QueuedTask[]): PlacedRound['placed'] {
  const queued = new Map(queue.map((each) => [each.task.taskId, each]))
  return attempts.map(({ taskId, leasedAt }) => {
    const { task, job } = queued.get(taskId)!
    return { tier: job.spec.tier, waitedMs: leasedAt - task.queuedAt }
  })
}

function isFull({ free, slots }: NodeView): boolean {
  return slots < 1 || free.cpuMilli < 1
}

async function placeWindow(
  platform: Platform,
  tx: Transaction,
  queue: readonly QueuedTask[],
  nodes: readonly NodeView[],
  round: Round,
): Promise<readonly Attempt[]> {
  const now = platform.clock.now()
  const { placements, lastNodeId } = plan(queue, nodes, { now, route, lastNodeId: round.lastNodeId })
  round.lastNodeId = lastNodeId
  if (placements.length === 0) return []
  const attempts = leasesFor(platform, placements, queue, nodes, now)
  const limits = new Map(queue.map(({ job }) => [job.jobId, job.spec.limits]))
  const wanted = attempts.map(({ attemptId, nodeId, jobId }) => {
    const { cpuMilli, memoryBytes, diskBytes } = limits.get(jobId)!
    return { attemptId, nodeId, resources: { cpuMilli, memoryBytes, diskBytes } }
  })
  const reserved = new Set<AttemptId>(await tx.nodes.reserve(wanted))
  const leased = attempts.filter(({ attemptId }) => reserved.has(attemptId))
  const changes = leased.map((attempt): TaskChange => ({ taskId: attempt.taskId, event: { type: 'placed', attempt } }))
  await advanceTasks(platform, tx, changes, queue)
  const programs = new Map(queue.map(({ job }) => [job.jobId, job.spec.program.digest]))
  for (const { nodeId, jobId } of leased) round.placed(nodeId, programs.get(jobId)!)
  tx.wake('dispatch')
  return leased
}

/** A lease for each placement; several of one task carry rising fences. */
function leasesFor(
  { config, rng }: Platform,
  placements: ReturnType<typeof plan>['placements'],
  queue: readonly QueuedTask[],
  nodes: readonly NodeView[],
  at: Instant,
): Attempt[] {
  const tasks = new Map(queue.map(({ task }) => [task.taskId, task]))
  const owners = new Map(nodes.map(({ nodeId, ownerId }) => [nodeId, ownerId]))
  const fences = new Map<string, number>()
  return placements.map(({ taskId, nodeId }) => {
    const task = tasks.get(taskId)!
    const fence = (fences.get(taskId) ?? task.attempts) + 1
    fences.set(taskId, fence)
    return {
      attemptId: newId('attempt', at, rng),
      taskId,
      jobId: task.jobId,
      nodeId,
      ownerId: owners.get(nodeId)!,
      fence,
      status: 'leased',
      leasedAt: at,
      leaseExpiresAt: at + config.timing.leaseMs,
    }
  })
}
