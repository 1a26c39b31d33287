import type { Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import {
  type Attempt,
  companyOf,
  fitsInto,
  isHiddenFor,
  type Job,
  LINE_LEAST,
  type NodeView,
  type Placement,
  type Plan,
  type PlanContext,
  plan,
  type QueuedTask,
  type Tier,
  type WaitReason,
} from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { leasePlacements } from './lease-placements.ts'
import { allNodes, isOpen, nodeView } from './node-views.ts'
import { type InUseSeen, inUseOf, liveContext } from './plan-context.ts'
import { route } from './route.ts'
import { KnownCpuQuotas } from './quota.ts'
import { withinQuota } from './within-quota.ts'
import { tierViews, withKept } from './tier-views.ts'
import { onlyWholeGangs, readWholeGangs } from './whole-gangs.ts'

/** So many tasks are planned together. */
export const WINDOW = 512
/** So often a round reads on past jobs that have to wait, before it leaves the rest to the next round. */
const READS = 8

/** What one round hands to the next: where `round_robin` goes on, and which programs each node ran lately. */
export class Round {
  lastNodeId: NodeId | undefined
  inUse: InUseSeen | undefined
  readonly cpuQuotas = new KnownCpuQuotas()
  readonly #warm = new Map<NodeId, Set<string>>()

  readonly #directions = new Map<TaskId, { readonly nodeId: NodeId; readonly until: Instant }>()

  /** A plan moves the task to this node: there it goes on, if there still is room when it is back. */
  direct(taskId: TaskId, nodeId: NodeId, until: Instant): void {
    this.#directions.set(taskId, { nodeId, until })
  }

  /** Where a plan wants the task to go on; told once. */
  takeDirection(taskId: TaskId, now: Instant): NodeId | undefined {
    for (const [each, { until }] of this.#directions) if (until < now) this.#directions.delete(each)
    const nodeId = this.#directions.get(taskId)?.nodeId
    this.#directions.delete(taskId)
    return nodeId
  }

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
      const taken = await tx.jobs.takeQueued(now, WINDOW, waiting)
      if (taken.length === 0) break
      const whole = await readWholeGangs(tx, taken, now)
      const queue = onlyWholeGangs(whole, await withinQuota(platform, tx, whole, round.cpuQuotas))
      const fog = await openFog(platform, tx, round)
      if (fog.nodes.length === 0) break
      const attempts = await placeWindow(platform, tx, queue, fog, round)
      placed.push(...waits(attempts, queue))
      // Of many lines each gives up less, so that a window may be short though there is more.
      const isAll = taken.length < LINE_LEAST
      if (attempts.length >= taken.length && !isAll) return { next: 'more', placed }
      if (isAll || fog.nodes.every(isFull)) break
      for (const { job } of taken) if (!waiting.includes(job.jobId)) waiting.push(job.jobId)
    }
    return { next: 'idle', placed }
  })
}

/** A node that works, and how many leases it holds, running and in line. */
export interface OpenNode {
  readonly view: NodeView
  readonly leases: number
}

/** The nodes that work, full or not, and what the tiers ask of a plan on them. */
export interface OpenFog {
  readonly nodes: readonly OpenNode[]
  readonly spread: PlanContext['spread']
}

export async function openFog(platform: Platform, tx: Transaction, round: Round): Promise<OpenFog> {
  const open = (await allNodes(tx.nodes)).filter(isOpen)
  const views = open.map((node) => nodeView(node, round.warmOn(node.nodeId)))
  const tiers = await tierViews(platform, tx, views)
  const nodes = open.map(({ reservations }, i) => ({ view: withKept(views[i]!, tiers), leases: reservations }))
  return { nodes, spread: tiers.spread }
}

function waits(attempts: readonly Attempt[], queue: readonly QueuedTask[]): PlacedRound['placed'] {
  const queued = new Map(queue.map((each) => [each.task.taskId, each]))
  return attempts.map(({ taskId, leasedAt }) => {
    const { task, job } = queued.get(taskId)!
    return { tier: job.spec.tier, waitedMs: leasedAt - task.queuedAt }
  })
}

function isFull({ view: { free, slots } }: OpenNode): boolean {
  return slots < 1 || free.cpuMilli < 1
}

/** What a plan has to know beside the queue and the nodes. */
export function contextOf({ clock }: Platform, { spread }: OpenFog, { lastNodeId, inUse }: Round): PlanContext {
  return { now: clock.now(), route, lastNodeId, spread, inUse: inUse?.cpuMilli }
}

/** Places what has room now. `queue` is locked. */
export async function placeWindow(
  platform: Platform,
  tx: Transaction,
  queue: readonly QueuedTask[],
  fog: OpenFog,
  round: Round,
): Promise<readonly Attempt[]> {
  const now = platform.clock.now()
  const directed = await placeDirected(platform, tx, queue, fog, round)
  if (directed.length > 0) {
    const gone = new Set(directed.map(({ taskId }) => taskId))
    const rest = queue.filter(({ task }) => !gone.has(task.taskId))
    return [...directed, ...(await placeWindow(platform, tx, rest, await openFog(platform, tx, round), round))]
  }
  const { nodes } = fog
  round.inUse = await inUseOf(tx, queue, round.inUse, now)
  const live = await liveContext(tx, queue, now)
  const views = nodes.map(({ view }) => view)
  // Whoever has room kept for him needs to know of full nodes too: they will not stay so.
  const open = live.running ? views : views.filter(({ slots }) => slots > 0)
  const first = plan(queue, open, { ...contextOf(platform, fog, round), ...live })
  const ahead = first.reservation ? [] : planAhead(queue, nodes, first, now)
  round.lastNodeId = first.lastNodeId
  const leased = await leasePlacements(platform, tx, { placed: first.placements, ahead }, queue, views)
  const jobs = new Map(queue.map(({ task, job }) => [task.taskId, job]))
  for (const { nodeId, taskId } of leased) round.placed(nodeId, jobs.get(taskId)!.spec.program.digest)
  return leased
}

/** Tasks that a plan moves go on where it wants them, while there is room; else they are placed as any other. */
async function placeDirected(
  platform: Platform,
  tx: Transaction,
  queue: readonly QueuedTask[],
  { nodes }: OpenFog,
  round: Round,
): Promise<readonly Attempt[]> {
  const now = platform.clock.now()
  const placed = queue.flatMap(({ task, job }): Placement[] => {
    const nodeId = round.takeDirection(task.taskId, now)
    const node = nodes.find(({ view }) => view.nodeId === nodeId)?.view
    const hasRoom = node && node.closed === undefined && node.slots > 0 && fitsInto(job.spec.limits, unkept(node, job))
    return hasRoom && isHiddenFor(job.spec, node) ? [{ taskId: task.taskId, nodeId: node.nodeId }] : []
  })
  if (placed.length === 0) return []
  const views = nodes.map(({ view }) => view)
  return leasePlacements(platform, tx, { placed }, queue, views)
}

/** What is free on a node for the job: what is kept for Platinum is free for nobody else. */
function unkept({ free, keptCpuMilli = 0 }: NodeView, { spec }: Job): NodeView['free'] {
  return spec.tier === 'platinum' ? free : { ...free, cpuMilli: free.cpuMilli - keptCpuMilli }
}

/**
 * Tasks that take less time than their results take to travel are leased ahead of their turn, so that a device goes from
 * one to the next without waiting for us, and so that many share a transaction. Only where there is no room at all, never
 * more than a second's work for a device, and not before half of what it had in line is done.
 */
function planAhead(
  queue: readonly QueuedTask[],
  nodes: readonly OpenNode[],
  first: Plan,
  now: Instant,
): Plan['placements'] {
  const full = new Set(first.waiting.filter(({ reason }) => reason in NO_ROOM).map(({ taskId }) => taskId))
  const short = queue.filter(
    ({ task, job }) => full.has(task.taskId) && mayStandInLine(job) && taskMs(job, now) < SHORT_MS,
  )
  if (short.length === 0) return []
  const longest = short.reduce((most, { job }) => Math.max(most, taskMs(job, now)), 0)
  const most = Math.max(LINE.shortest, Math.min(LINE.longest, Math.floor(LINE.workMs / longest)))
  const taken = Map.groupBy(first.placements, ({ nodeId }) => nodeId)
  const line = nodes.map(({ view, leases }) => ({ view, held: leases + (taken.get(view.nodeId)?.length ?? 0) }))
  const views = line
    // A device begins what stands in line wherever it has cores: none may stand where some are kept.
    .filter(({ view, held }) => held * 2 <= most && view.keptCpuMilli === undefined)
    .map(({ view, held }) => ({ ...view, free: times(view.capacity, LINE.longest), slots: most - held }))
  return plan(short, views, { now, route, lastNodeId: first.lastNodeId }).placements
}

/** Tasks that begin together, or look at where the others are, begin when a plan says so. */
function mayStandInLine({ spec }: Job): boolean {
  return !spec.gang && !companyOf(spec)
}

/** Why a task waits that would fit if the devices were empty. */
const NO_ROOM: Partial<Record<WaitReason, true>> = { no_room: true, none_open: true }
const SHORT_MS = 250
/** Leases that a device holds at most while tasks are short, running ones counted: about so much work. */
const LINE = { shortest: 4, longest: 32, workMs: 1000 }
const DONE_BEFORE_KNOWN = 4

/** How long a task of the job has taken so far, by how many were done since it started and run at once; without end until known. */
function taskMs({ startedAt, counts, spec }: Job, now: Instant): number {
  // One step's tasks say nothing of another's.
  if (spec.steps) return Infinity
  if (startedAt === undefined || counts.done < DONE_BEFORE_KNOWN) return Infinity
  return ((now - startedAt) * Math.max(1, counts.running)) / counts.done
}

function times({ cpuMilli, memoryBytes, diskBytes }: NodeView['capacity'], factor: number): NodeView['capacity'] {
  return { cpuMilli: cpuMilli * factor, memoryBytes: memoryBytes * factor, diskBytes: diskBytes * factor }
}
