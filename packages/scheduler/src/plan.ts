import type { Instant, NodeId } from '@fog/kernel'
import { assert } from '@fog/kernel'
import { FairQueue } from './fair-queue.ts'
import { Ground } from './ground.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import type { Placement, PlanContext, Planner, Waiting, WaitReason } from './planner.ts'
import { NOBODY, type Exclusions, type Pool } from './pool.ts'
import { Pools } from './pools.ts'
import { hasVoice } from './states.ts'
import type { Attempt } from './task.ts'
import { Spread } from './tiers/spread.ts'

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
  const filling = new Filling(nodes, context)
  const placements: Placement[] = []
  const waiting: Waiting[] = []
  for (const { queued, serve } of new FairQueue(queue, context.inUse ?? new Map()).tasks()) {
    const { nodeIds, reason } = filling.placeTask(queued)
    const { taskId } = queued.task
    for (const nodeId of nodeIds) placements.push({ taskId, nodeId })
    if (reason) waiting.push({ taskId, reason })
    serve(nodeIds.length * queued.job.spec.limits.cpuMilli)
  }
  return { placements, waiting, lastNodeId: filling.lastNodeId }
}

interface Outcome {
  readonly nodeIds: readonly NodeId[]
  /** Why not all that was wanted. */
  readonly reason?: WaitReason | undefined
}

/** A fog while a plan fills it. */
class Filling {
  readonly #ground: Ground
  readonly #pools: Pools
  readonly #context: PlanContext
  readonly #spread: Spread

  constructor(nodes: readonly NodeView[], context: PlanContext) {
    this.#ground = new Ground(nodes)
    this.#pools = new Pools(this.#ground, context)
    this.#context = context
    this.#spread = new Spread(context, (nodeId) => {
      const place = this.#ground.placeOf(nodeId)
      return place === undefined ? undefined : this.#ground.nodes[place]
    })
  }

  get lastNodeId(): NodeId | undefined {
    return this.#pools.lastNodeId
  }

  placeTask(queued: QueuedTask): Outcome {
    const { task, attempts, job } = queued
    if (job.spec.tier !== 'platinum') this.#ground.keepForPlatinum()
    const nodeIds: NodeId[] = []
    if (task.pending < 1) return { nodeIds }
    if (task.notBefore > this.#context.now) return { nodeIds, reason: 'back_off' }
    if (this.#ground.open.length === 0) return { nodeIds, reason: 'none_open' }
    const owners = new Set(attempts.filter(hasVoice).map(({ ownerId }) => ownerId))
    const avoided = nodesToAvoid(attempts, this.#context.now)
    const placed: NodeView[] = []
    for (let wanted = task.pending; wanted > 0; wanted -= 1) {
      const domains = this.#spread.excluded(queued, placed)
      const chosen = this.#choose(queued, { owners, nodes: avoided, domains })
      if (typeof chosen === 'string') return { nodeIds, reason: chosen }
      const { nodeId, ownerId } = this.#ground.nodes[chosen]!
      this.#spread.placed(job, this.#ground.nodes[chosen]!)
      placed.push(this.#ground.nodes[chosen]!)
      this.#ground.take(chosen, job.spec.limits)
      this.#pools.lastNodeId = nodeId
      nodeIds.push(nodeId)
      owners.add(ownerId)
    }
    return { nodeIds }
  }

  #choose(queued: QueuedTask, exclusions: Exclusions): number | WaitReason {
    const found = this.#search(this.#pools.poolOf(queued.job), exclusions)
    return typeof found === 'string' ? found : this.#route(queued, found)
  }

  /** A few nodes that have room and may take the task, or why there is none. */
  #search(pool: Pool, exclusions: Exclusions): readonly number[] | WaitReason {
    const places = pool.candidates(CANDIDATES, exclusions)
    if (places.length > 0) return places
    if (pool.size === 0) return 'not_suitable'
    if (pool.isFull) return 'no_room'
    if (!exclusions.domains?.size && pool.hasOthers(exclusions)) return reasonToWait(pool, exclusions)
    if (exclusions.nodes.size === 0) return exclusions.domains?.size ? reasonToWait(pool, exclusions) : 'other_owner'
    // Nobody else could ever take it, or none in another failure domain can now: better a node that lost it than none.
    return this.#search(pool, { ...exclusions, nodes: NOBODY.nodes })
  }

  #route({ job, task }: QueuedTask, places: readonly number[]): number | WaitReason {
    const { route, networkOf } = this.#context
    const views = places.map((place) => this.#ground.view(place))
    const [best] = route(job.spec.routing, views, {
      spec: job.spec,
      inputs: task.inputs,
      submitterNetwork: networkOf?.(job),
      lastNodeId: this.lastNodeId,
    })
    if (!best) return 'routing'
    const place = places[views.indexOf(best)]
    assert(place !== undefined, 'a route ranks the candidates it is given')
    return place
  }
}

/** No node has room that may take it, though others exist: full all of them, or only those kept off have room. */
function reasonToWait(pool: Pool, { owners, nodes, domains }: Exclusions): WaitReason {
  if (domains?.size && pool.candidates(1, { owners, nodes }).length > 0) return 'other_domain'
  if (nodes.size > 0 && pool.candidates(1, { owners, nodes: NOBODY.nodes }).length > 0) return 'other_node'
  if (owners.size > 0 && pool.candidates(1, { owners: NOBODY.owners, nodes }).length > 0) return 'other_owner'
  return 'no_room'
}

/** Those that lost the task or gave it back a moment ago. */
function nodesToAvoid(attempts: readonly Attempt[], now: Instant): ReadonlySet<NodeId> {
  const avoided = new Set<NodeId>()
  for (const { status, endedAt, leasedAt, nodeId } of attempts) {
    if ((status === 'lost' || status === 'returned') && (endedAt ?? leasedAt) + AVOID_MS > now) avoided.add(nodeId)
  }
  return avoided
}
