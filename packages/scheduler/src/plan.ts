import type { Instant, NodeId } from '@fog/kernel'
import { assert } from '@fog/kernel'
import { FairQueue } from './fair-queue.ts'
import { Ground } from './ground.ts'
import type { Job } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { Placement, PlanContext, Planner, Waiting, WaitReason } from './planner.ts'
import { NOBODY, type Exclusions, type Pool } from './pool.ts'
import { Pools } from './pools.ts'
import { isLive } from './states.ts'
import type { Attempt } from './task.ts'

/** Of so many nodes that fit the best is taken: the rest of a large fog is hardly ever better. */
const CANDIDATES = 16

/** For so long a task keeps off a node that lost it or gave it back, while others exist. */
export const AVOID_MS = 5 * 60_000

/**
 * The fast path: places a window of the queue greedily, tier by tier and fairly between accounts. Pure; the same
 * question has the same answer.
 *
 * Nodes are never looked at for each task. They are indexed once for each sort of node the window asks for (labels, round
 * trip, routing): O(nodes x sorts). A task then costs its candidates and O(log accounts). A shape of task (cores, memory,
 * disk) for which that index finds nothing among a few dozen nodes gets one of its own, once: O(nodes) for each scarce
 * shape. Round trips not yet measured count as within a tier's cap only while no open node with a measured one can hold
 * the task.
 */
export const plan: Planner = (queue, nodes, context) => {
  const ground = new Ground(nodes)
  const pools = new Pools(ground, context)
  const placements: Placement[] = []
  const waiting: Waiting[] = []
  for (const { queued, serve } of new FairQueue(queue, context.inUse ?? new Map()).tasks()) {
    const outcome = placeTask(queued, ground, pools, context)
    const { taskId } = queued.task
    for (const nodeId of outcome.nodeIds) placements.push({ taskId, nodeId })
    if (outcome.reason) waiting.push({ taskId, reason: outcome.reason })
    serve(outcome.nodeIds.length * queued.job.spec.limits.cpuMilli)
  }
  return { placements, waiting, lastNodeId: pools.lastNodeId }
}

interface Outcome {
  readonly nodeIds: NodeId[]
  readonly reason?: WaitReason | undefined
}

function placeTask(queued: QueuedTask, ground: Ground, pools: Pools, context: PlanContext): Outcome {
  const { task, attempts, job } = queued
  const nodeIds: NodeId[] = []
  if (task.pending < 1) return { nodeIds }
  if (task.notBefore > context.now) return { nodeIds, reason: 'back_off' }
  if (ground.open.length === 0) return { nodeIds, reason: 'none_open' }
  const pool = pools.poolOf(job)
  const owners = new Set(attempts.filter(counts).map(({ ownerId }) => ownerId))
  const avoided = nodesToAvoid(attempts, context.now)
  for (let wanted = task.pending; wanted > 0; wanted -= 1) {
    const found = choose(job, pool, { owners, nodes: avoided }, ground, pools, context)
    if (typeof found === 'string') return { nodeIds, reason: found }
    const { nodeId, ownerId } = ground.nodes[found]!
    ground.take(found, job.spec.limits)
    pools.lastNodeId = nodeId
    nodeIds.push(nodeId)
    if (wanted > 1) owners.add(ownerId)
  }
  return { nodeIds }
}

function choose(
  job: Job,
  pool: Pool,
  exclusions: Exclusions,
  ground: Ground,
  pools: Pools,
  context: PlanContext,
): number | WaitReason {
  let places = pool.candidates(CANDIDATES, exclusions)
  if (places.length === 0) {
    if (pool.size === 0) return 'not_suitable'
    if (pool.isFull) return 'no_room'
    if (pool.hasOthers(exclusions)) return reasonToWait(pool, exclusions)
    if (exclusions.nodes.size === 0) return 'other_owner'
    // Nobody else could ever take it: better a node that lost it than none.
    places = pool.candidates(CANDIDATES, { ...exclusions, nodes: NOBODY.nodes })
    if (places.length === 0) return exclusions.owners.size > 0 ? 'other_owner' : 'no_room'
  }
  const request = { spec: job.spec, submitterNetwork: context.networkOf?.(job), lastNodeId: pools.lastNodeId }
  const views = places.map((place) => ground.view(place))
  const best = context.route(job.spec.routing, views, request)[0]
  if (!best) return 'routing'
  const at = views.indexOf(best)
  assert(at >= 0, 'a route ranks the candidates it is given')
  return places[at]!
}

/** No node has room that may take it, though others exist: full all of them, or only those kept off have room. */
function reasonToWait(pool: Pool, { owners, nodes }: Exclusions): WaitReason {
  if (nodes.size > 0 && pool.candidates(1, { owners, nodes: NOBODY.nodes }).length > 0) return 'other_node'
  if (owners.size > 0 && pool.candidates(1, { owners: NOBODY.owners, nodes }).length > 0) return 'other_owner'
  return 'no_room'
}

/** Whether the attempt's owner must not work on the task again: replicas go to distinct owners. */
function counts(attempt: Attempt): boolean {
  return isLive(attempt) || attempt.status === 'reported'
}

function nodesToAvoid(attempts: readonly Attempt[], now: Instant): ReadonlySet<NodeId> {
  const avoided = new Set<NodeId>()
  for (const { status, endedAt, leasedAt, nodeId } of attempts) {
    if ((status === 'lost' || status === 'returned') && (endedAt ?? leasedAt) + AVOID_MS > now) avoided.add(nodeId)
  }
  return avoided
}
