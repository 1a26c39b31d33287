import type { AccountId, AttemptId, Instant, NodeId, TaskId } from '@fog/kernel'
import { fitsInto, isSuitable, isWithin } from '../fits.ts'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView, Room } from '../node-view.ts'
import { hasVoice } from '../states.ts'
import { type Tier, TIER_TERMS, TIERS } from '../tier.ts'
import { domainOf } from './domains.ts'
import { Spread } from './spread.ts'
import type { PlanContext } from '../planner.ts'

/** A live attempt that may have to make room. */
export interface Occupant {
  readonly attemptId: AttemptId
  readonly taskId: TaskId
  readonly nodeId: NodeId
  readonly tier: Tier
  /** What is reserved for it; nothing for one that only stands in line on its node. */
  readonly room: Room
  /** Since when what it did is in no checkpoint; undefined while it has not begun. */
  readonly unsavedSince: Instant | undefined
  /** Whether it keeps checkpoints another node can go on from, and is worth being given time for one more. */
  readonly keepsState: boolean
  /** Whether it was asked to make room already. */
  readonly isYielding: boolean
}

export interface PreemptionContext extends Pick<PlanContext, 'spread'> {
  readonly now: Instant
  /** Attempts that may be taken from in this round at most. */
  readonly limit: number
}

export interface Preemption {
  readonly occupant: Occupant
  /** Whose room it becomes. */
  readonly taskId: TaskId
}

/** Part of the longest wait that is promised after which room is taken: before, some may come free by itself. */
const PATIENCE = 0.1

/** Whether the task may take room of lower tiers now. */
export function mayPreempt({ task, job }: Pick<QueuedTask, 'task' | 'job'>, now: Instant): boolean {
  const { preempts, queueWaitP95Ms = Infinity } = TIER_TERMS[job.spec.tier]
  // A gang is placed whole or not at all: room taken for one of its tasks would be taken for nothing.
  return preempts.length > 0 && task.pending > 0 && !job.spec.gang && now - task.queuedAt >= queueWaitP95Ms * PATIENCE
}

/**
 * Whose room the tasks of better tiers take, with the least loss: of all nodes that could hold the task, the one where the
 * lowest tier suffices, then the fewest attempts, then the least work thrown away; on a node the lowest tier first, what
 * keeps its state before what does not, the newest before the oldest. A task is served whole or not at all, and nobody is
 * taken from for a task that has room without it.
 */
export function choosePreemptions(
  claims: readonly QueuedTask[],
  nodes: readonly NodeView[],
  occupants: readonly Occupant[],
  context: PreemptionContext,
): Preemption[] {
  const choice = new Choice(nodes, occupants, context)
  return claims.filter((claim) => mayPreempt(claim, context.now)).flatMap((claim) => choice.serve(claim))
}

interface Taking {
  readonly node: NodeView
  readonly victims: readonly Occupant[]
}

class Choice {
  readonly #nodes: readonly NodeView[]
  readonly #context: PreemptionContext
  readonly #spread: Spread
  readonly #byNode: Map<NodeId, Occupant[]>
  /** What is free once what was chosen so far has gone and come. */
  readonly #free: Map<NodeId, Room & { readonly slots: number }>
  #left: number

  constructor(nodes: readonly NodeView[], occupants: readonly Occupant[], context: PreemptionContext) {
    this.#nodes = nodes
    this.#context = context
    this.#left = context.limit
    const byId = new Map(nodes.map((node) => [node.nodeId, node]))
    this.#spread = new Spread(context, (nodeId) => byId.get(nodeId))
    this.#byNode = Map.groupBy(occupants, ({ nodeId }) => nodeId)
    this.#free = new Map(nodes.map(({ nodeId, free, slots }) => [nodeId, { ...free, slots }]))
  }

  serve(claim: QueuedTask): Preemption[] {
    const takings: Taking[] = []
    const owners = new Set(claim.attempts.filter(hasVoice).map(({ ownerId }) => ownerId))
    for (let wanted = claim.task.pending; wanted > 0; wanted -= 1) {
      const taking = this.#cheapest(claim, owners, takings)
      if (!taking) break
      takings.push(taking)
      owners.add(taking.node.ownerId)
    }
    const victims = takings.flatMap((taking) => taking.victims)
    const cost = victims.filter(({ isYielding }) => !isYielding).length
    if (takings.length < claim.task.pending || cost > this.#left) return []
    this.#left -= cost
    for (const taking of takings) this.#book(claim, taking)
    return victims.map((occupant) => ({ occupant, taskId: claim.task.taskId }))
  }

  #cheapest(claim: QueuedTask, owners: ReadonlySet<AccountId>, before: readonly Taking[]): Taking | undefined {
    const { spec } = claim.job
    const { latencyCapMs } = TIER_TERMS[spec.tier]
    const domains = this.#spread.excluded(
      claim,
      before.map(({ node }) => node),
    )
    let best: Taking | undefined
    for (const node of this.#nodes) {
      if (owners.has(node.ownerId) || domains.has(domainOf(node))) continue
      if (!isSuitable(spec, node) || !isWithin(latencyCapMs, node) || !fitsInto(spec.limits, node.capacity)) continue
      const victims = this.#fewest(claim, node)
      if (victims && (!best || this.#compare(victims, best.victims) < 0)) best = { node, victims }
    }
    return best
  }

  /** Who has to go so that the task fits on the node; undefined when not even all of them suffice. */
  #fewest({ job: { spec } }: QueuedTask, node: NodeView): Occupant[] | undefined {
    const { preempts } = TIER_TERMS[spec.tier]
    const kept = spec.tier === 'platinum' ? 0 : (node.keptCpuMilli ?? 0)
    const free = this.#free.get(node.nodeId)!
    const fits = (going: readonly Occupant[]) => holds(free, going, kept, spec.limits)
    const going: Occupant[] = []
    const candidates = (this.#byNode.get(node.nodeId) ?? [])
      .filter(({ tier }) => preempts.includes(tier))
      .sort((a, b) => this.#byLoss(a, b))
    for (const candidate of candidates) {
      if (fits(going)) break
      going.push(candidate)
    }
    if (!fits(going)) return undefined
    // The dearest first: whoever turns out not to be needed stays.
    for (const candidate of going.toReversed()) {
      const without = going.filter((each) => each !== candidate)
      if (fits(without)) going.splice(going.indexOf(candidate), 1)
    }
    return going
  }

  /** Whom to take from first. Who was asked already costs nothing more. */
  #byLoss(a: Occupant, b: Occupant): number {
    return (
      Number(b.isYielding) - Number(a.isYielding) ||
      TIERS.indexOf(b.tier) - TIERS.indexOf(a.tier) ||
      Number(b.keepsState) - Number(a.keepsState) ||
      this.#workOf(a) - this.#workOf(b) ||
      (a.attemptId < b.attemptId ? 1 : -1)
    )
  }

  #compare(a: readonly Occupant[], b: readonly Occupant[]): number {
    const [ours, theirs] = [a, b].map((each) => each.filter(({ isYielding }) => !isYielding))
    const best = (of: readonly Occupant[]) => Math.min(TIERS.length, ...of.map(({ tier }) => TIERS.indexOf(tier)))
    const lost = (of: readonly Occupant[]) =>
      of.reduce((sum, each) => sum + (each.keepsState ? 0 : this.#workOf(each)), 0)
    return best(theirs!) - best(ours!) || ours!.length - theirs!.length || lost(ours!) - lost(theirs!)
  }

  /** Milliseconds of one core, thousandfold. */
  #workOf({ unsavedSince, room }: Occupant): number {
    return unsavedSince === undefined ? 0 : (this.#context.now - unsavedSince) * room.cpuMilli
  }

  #book({ job }: QueuedTask, { node, victims }: Taking): void {
    const { cpuMilli, memoryBytes, diskBytes } = job.spec.limits
    const after = roomOf(this.#free.get(node.nodeId)!, victims)
    this.#free.set(node.nodeId, {
      cpuMilli: after.cpuMilli - cpuMilli,
      memoryBytes: after.memoryBytes - memoryBytes,
      diskBytes: after.diskBytes - diskBytes,
      slots: after.slots - 1,
    })
    const gone = new Set(victims)
    this.#byNode.set(
      node.nodeId,
      (this.#byNode.get(node.nodeId) ?? []).filter((each) => !gone.has(each)),
    )
    this.#spread.placed(job, node)
  }
}

function roomOf(
  free: Room & { readonly slots: number },
  going: readonly Occupant[],
): Room & { readonly slots: number } {
  const sum = (of: (room: Room) => number) => going.reduce((total, { room }) => total + of(room), 0)
  return {
    cpuMilli: free.cpuMilli + sum(({ cpuMilli }) => cpuMilli),
    memoryBytes: free.memoryBytes + sum(({ memoryBytes }) => memoryBytes),
    diskBytes: free.diskBytes + sum(({ diskBytes }) => diskBytes),
    slots: free.slots + going.length,
  }
}

function holds(
  free: Room & { readonly slots: number },
  going: readonly Occupant[],
  keptCpuMilli: number,
  wants: Room,
): boolean {
  const room = roomOf(free, going)
  return room.slots >= 1 && fitsInto(wants, { ...room, cpuMilli: room.cpuMilli - keptCpuMilli })
}
