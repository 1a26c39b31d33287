import type { Instant, NodeId } from '@fog/kernel'
import { assert } from '@fog/kernel'
import { LATE_MS } from './ageing.ts'
import { Company, companyOf, sharedBy } from './company.ts'
import { isAged, type Unit } from './fair-queue.ts'
import { preference } from './fits.ts'
import { Ground } from './ground.ts'
import type { QueuedTask } from './job-store.ts'
import type { NodeView } from './node-view.ts'
import type { Plan, PlanContext, WaitReason } from './planner.ts'
import { NOBODY, type Exclusions, type Pool } from './pool.ts'
import { Pools } from './pools.ts'
import { type Claim, type Ending, reserve } from './reservation.ts'
import { hasVoice } from './states.ts'
import type { Attempt } from './task.ts'
import { Spread } from './tiers/spread.ts'

/** Of so many nodes that fit the best is taken: the rest of a large fog is hardly ever better. */
const CANDIDATES = 16

/** For so long a task keeps off a node that lost it or gave it back, while others exist. */
export const AVOID_MS = 5 * 60_000

/** What became of one task of a unit. */
export interface Outcome {
  readonly nodeIds: readonly NodeId[]
  /** Why not all that was wanted. */
  readonly reason?: WaitReason | undefined
}

/** A fog while a plan fills it. */
export class Filling {
  readonly #ground: Ground
  readonly #pools: Pools
  readonly #context: PlanContext
  readonly #spread: Spread
  readonly #company: Company
  /** What this plan began: it ends too. */
  readonly #begun: { readonly place: number; readonly queued: QueuedTask }[] = []
  #reservation: (NonNullable<Plan['reservation']> & { readonly isLate: boolean }) | undefined

  constructor(nodes: readonly NodeView[], context: PlanContext) {
    this.#ground = new Ground(nodes)
    this.#pools = new Pools(this.#ground, context)
    this.#context = context
    const nodeOf = (nodeId: NodeId) => {
      const place = this.#ground.placeOf(nodeId)
      return place === undefined ? undefined : this.#ground.nodes[place]
    }
    this.#spread = new Spread(context, nodeOf)
    this.#company = new Company(context.held, nodeOf)
  }

  get lastNodeId(): NodeId | undefined {
    return this.#pools.lastNodeId
  }

  get reservation(): Plan['reservation'] {
    if (!this.#reservation) return undefined
    const { jobId, beginsAt } = this.#reservation
    return { jobId, beginsAt }
  }

  /** One outcome for each task of the unit, in its order. */
  placeUnit(unit: Unit): readonly Outcome[] {
    if (unit[0].job.spec.tier !== 'platinum') this.#ground.keepForPlatinum()
    const outcomes = unit.length === 1 ? [this.#placeTask(unit[0])] : this.#placeGang(unit)
    this.#keepRoom(unit, outcomes)
    return outcomes
  }

  #placeTask(queued: QueuedTask): Outcome {
    const { task, attempts, job } = queued
    const nodeIds: NodeId[] = []
    if (task.pending < 1) return { nodeIds }
    if (task.notBefore > this.#context.now) return { nodeIds, reason: 'back_off' }
    if (this.#ground.open.length === 0) return { nodeIds, reason: 'none_open' }
    const owners = new Set(attempts.filter(hasVoice).map(({ ownerId }) => ownerId))
    const avoided = nodesToAvoid(attempts, this.#context.now)
    const placed: NodeView[] = []
    for (let wanted = task.pending; wanted > 0; wanted -= 1) {
      const domains = this.#spread.excluded(queued, placed)
      const chosen = this.#choose(queued, { owners, nodes: avoided, domains, keeps: this.#company.keeps(job) })
      if (typeof chosen === 'string') return { nodeIds, reason: chosen }
      const node = this.#ground.nodes[chosen]!
      this.#take(queued, chosen)
      placed.push(node)
      nodeIds.push(node.nodeId)
      owners.add(node.ownerId)
    }
    return { nodeIds }
  }

  #take(queued: QueuedTask, place: number): void {
    const { job } = queued
    const node = this.#ground.nodes[place]!
    const { cpuMilli, memoryBytes, diskBytes } = job.spec.limits
    this.#ground.take(place, { cpuMilli, memoryBytes, diskBytes, outlasts: this.#outlasts(queued) })
    this.#spread.placed(job, node)
    this.#company.placed(job, node)
    this.#pools.lastNodeId = node.nodeId
    this.#begun.push({ place, queued })
  }

  /**
   * All tasks of a gang or none. They are tried on a copy of what is left of the nodes, and only when all found a place
   * there placed in earnest: room never has to be given back.
   */
  #placeGang(unit: Unit): readonly Outcome[] {
    const none = (reason: WaitReason) => unit.map(() => ({ nodeIds: [], reason }))
    const [first] = unit
    if (this.#ground.open.length === 0) return none('none_open')
    const outlasts = this.#outlasts(first)
    const pool = this.#pools.poolOf(first.job, outlasts)
    if (pool.size === 0) return none('not_suitable')
    // Most gangs that wait, wait for this; whatever else keeps their tasks from a node is tried out.
    const wanted = wantedOf(unit)
    if (pool.room < wanted) {
      const isReserved = outlasts && this.#pools.poolOf(first.job).room >= wanted
      return none(isReserved ? 'reserved' : 'gang')
    }
    const outcomes = this.#tryGang(unit, pool, outlasts)
    const failed = outcomes.find(({ reason }) => reason !== undefined)
    if (failed) return none(failed.reason === 'no_room' ? 'gang' : failed.reason!)
    for (const [i, queued] of unit.entries()) {
      for (const nodeId of outcomes[i]!.nodeIds) this.#take(queued, this.#ground.placeOf(nodeId)!)
    }
    return outcomes
  }

  #tryGang(unit: Unit, pool: Pool, outlasts: boolean): readonly Outcome[] {
    const { job } = unit[0]
    const place = this.#placeForAll(unit, pool, outlasts)
    if (place === 'none') return [{ nodeIds: [], reason: 'gang' }]
    const held = new Map([[job.jobId, this.#company.nodesOf(job)]])
    const trial = new Filling(this.#ground.views(outlasts), {
      ...this.#context,
      held,
      running: undefined,
      lastNodeId: this.lastNodeId,
    })
    if (place !== 'any') trial.#company.placed(job, this.#ground.nodes[place]!)
    const outcomes: Outcome[] = []
    for (const queued of unit) {
      const outcome = trial.#placeTask(queued)
      outcomes.push(outcome)
      if (outcome.reason) break
    }
    return outcomes
  }

  /** Where a gang that stays together has room for all of it: a node that stands for them, the tightest. */
  #placeForAll(unit: Unit, pool: Pool, outlasts: boolean): number | 'any' | 'none' {
    const { job } = unit[0]
    const company = companyOf(job.spec)
    if (company?.how !== 'together' || this.#company.keeps(job)) return 'any'
    const wants = { ...job.spec.limits, outlasts }
    const groups = new Map<string, { readonly place: number; room: number }>()
    for (const place of pool.places) {
      const key = sharedBy(company.what, this.#ground.nodes[place]!)
      const group = groups.get(key) ?? { place, room: 0 }
      group.room += this.#ground.fits(place, wants)
      groups.set(key, group)
    }
    const large = [...groups.values()].filter(({ room }) => room >= wantedOf(unit))
    return large.length === 0 ? 'none' : large.reduce((best, group) => (group.room < best.room ? group : best)).place
  }

  /** Keeps room for the first gang, or task that aged, that found none: what comes after must not delay it. */
  #keepRoom(unit: Unit, outcomes: readonly Outcome[]): void {
    const { running, now } = this.#context
    if (this.#reservation || !running) return
    const [first] = unit
    const { job, task } = first
    if (!job.spec.gang && !isAged(first, now)) return
    if (!outcomes.some(({ reason }) => reason === 'gang' || reason === 'no_room')) return
    const isLate = now - task.queuedAt > LATE_MS
    const reservation = reserve(this.#ground, this.#claimOf(unit, outcomes), this.#endings(isLate))
    if (!reservation) return
    this.#reservation = { jobId: job.jobId, beginsAt: reservation.beginsAt, isLate }
    this.#ground.reserve(reservation.spare)
  }

  #claimOf(unit: Unit, outcomes: readonly Outcome[]): Claim {
    const { job } = unit[0]
    const company = companyOf(job.spec)
    const placed = outcomes.reduce((sum, { nodeIds }) => sum + nodeIds.length, 0)
    return {
      wants: job.spec.limits,
      tasks: wantedOf(unit) - placed,
      places: this.#pools.poolOf(job).places,
      company: company && { how: company.how, of: (node) => sharedBy(company.what, node) },
    }
  }

  #endings(isLate: boolean): Ending[] {
    const { running = [], now } = this.#context
    const old = running.flatMap(({ nodeId, room, endsAt, endsBy }) => {
      const place = this.#ground.placeOf(nodeId)
      return place === undefined ? [] : [{ place, room, at: isLate ? endsBy : endsAt }]
    })
    const begun = this.#begun.map(({ place, queued }) => {
      return { place, room: queued.job.spec.limits, at: now + this.#runMs(queued, isLate) }
    })
    return [...old, ...begun]
  }

  /** Whether the task would not be done before the reservation begins. */
  #outlasts(queued: QueuedTask): boolean {
    if (!this.#reservation) return false
    const { beginsAt, isLate } = this.#reservation
    return this.#context.now + this.#runMs(queued, isLate) > beginsAt
  }

  #runMs(queued: QueuedTask, isLate: boolean): number {
    const { wallMs } = queued.job.spec.limits
    return isLate ? wallMs : Math.min(wallMs, this.#context.foresee?.(queued) ?? wallMs)
  }

  #choose(queued: QueuedTask, exclusions: Exclusions): number | WaitReason {
    const { job } = queued
    const outlasts = this.#outlasts(queued)
    const found = this.#search(queued, this.#pools.poolOf(job, outlasts), exclusions)
    if (typeof found !== 'string') return this.#route(queued, found)
    const isReserved = outlasts && this.#pools.poolOf(job).candidates(1, exclusions).length > 0
    return isReserved ? 'reserved' : found
  }

  /** A few nodes that have room and may take the task, or why there is none. */
  #search(queued: QueuedTask, pool: Pool, exclusions: Exclusions): readonly number[] | WaitReason {
    const places = pool.candidates(CANDIDATES, exclusions)
    if (places.length > 0) return places
    if (pool.size === 0) return 'not_suitable'
    if (pool.isFull) return 'no_room'
    const { domains, keeps, nodes } = exclusions
    const isFar = keeps !== undefined || (domains?.size ?? 0) > 0
    if (!isFar && pool.hasOthers(exclusions)) return reasonToWait(queued, pool, exclusions)
    if (nodes.size === 0) return isFar ? reasonToWait(queued, pool, exclusions) : 'other_owner'
    // Nobody else could ever take it, or none where it may be can now: better a node that lost it than none.
    return this.#search(queued, pool, { ...exclusions, nodes: NOBODY.nodes })
  }

  #route({ job, task }: QueuedTask, places: readonly number[]): number | WaitReason {
    const { route, networkOf } = this.#context
    const views = places.map((place) => this.#ground.view(place))
    const [best] = route(job.spec.routing, preferred(job.spec, views), {
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

/** Those that have most of what the job prefers. */
function preferred(spec: QueuedTask['job']['spec'], views: readonly NodeView[]): readonly NodeView[] {
  if (!spec.prefer) return views
  const most = views.reduce((best, view) => Math.max(best, preference(spec, view)), 0)
  return views.filter((view) => preference(spec, view) === most)
}

function wantedOf(unit: Unit): number {
  return unit.reduce((sum, { task }) => sum + task.pending, 0)
}

/** No node has room that may take it, though others exist: full all of them, or only those kept off have room. */
function reasonToWait({ job }: QueuedTask, pool: Pool, exclusions: Exclusions): WaitReason {
  const { owners, nodes, domains, keeps } = exclusions
  const hasRoom = (less: Partial<Exclusions>) => pool.candidates(1, { ...exclusions, ...less }).length > 0
  if (keeps && hasRoom({ keeps: undefined })) return job.spec.together ? 'together' : 'apart'
  if (domains?.size && hasRoom({ domains: undefined })) return 'other_domain'
  if (nodes.size > 0 && hasRoom({ nodes: NOBODY.nodes })) return 'other_node'
  if (owners.size > 0 && hasRoom({ owners: NOBODY.owners })) return 'other_owner'
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
