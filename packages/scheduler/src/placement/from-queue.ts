import type { Instant, NodeId, TaskId } from '@fog/kernel'
import { companyOf, type Held } from '../company.ts'
import { AVOID_MS } from '../filling.ts'
import { coverOf, fitsInto, isElsewhere, isSuitable, isWithin } from '../fits.ts'
import type { Job } from '../job.ts'
import type { QueuedTask } from '../job-store.ts'
import type { NodeView } from '../node-view.ts'
import { hasVoice, isLive } from '../states.ts'
import type { Attempt } from '../task.ts'
import { TIER_TERMS } from '../tier.ts'
import { domainOf } from '../tiers/domains.ts'
import type { ObjectiveName } from './model.ts'
import { readTerms } from './node-terms.ts'
import type { FrontAnswer } from './plan-front.ts'
import type { NodeTerms, PlanNode, PlanRequest, PlanRule, PlanTask } from './request.ts'

/** An attempt that may move: the plan says whether it pays. */
export interface HeldTask extends QueuedTask {
  readonly attempt: Attempt
  /** Run time that moving it away costs; what it ran so far unless told, as without a checkpoint. */
  readonly moveMs?: number | undefined
}

export interface PlanSources {
  readonly queue: readonly QueuedTask[]
  /** Attempts that may move. Their room is counted as theirs, so they are in no node's `free`. */
  readonly held?: readonly HeldTask[] | undefined
  /** Where live attempts of a job run that are none of `held`, a node for each; of jobs left out, those of `queue` count. */
  readonly standing?: Held | undefined
  readonly nodes: readonly NodeView[]
  readonly now: Instant
  /** How long the plan is thought to hold. */
  readonly horizonMs: number
  /** How long a task is thought to run, in milliseconds; undefined while nothing is known, which counts as its limit. */
  readonly foresee?: ((queued: QueuedTask) => number | undefined) | undefined
  /** Network a job was submitted from, where known. */
  readonly networkOf?: ((job: Job) => string | undefined) | undefined
  readonly objectives?: readonly ObjectiveName[] | undefined
}

/** A request and what its places stand for. Only `request` has to cross to a worker thread. */
export interface MappedRequest {
  readonly request: PlanRequest
  readonly nodeIds: readonly NodeId[]
  /** By place in the request's tasks; a task that wants two placements is there twice. */
  readonly taskIds: readonly TaskId[]
  /** How many nodes each term was assumed for, since no label says it. */
  readonly assumed: Readonly<Partial<Record<keyof NodeTerms, number>>>
}

/**
 * Turns the scheduler's own words into a request: each wanted placement a task, under the same rules as the fast path's
 * (`fits.ts`, other owners than those who have a voice, off nodes that lost it, spread, company, headroom, unmeasured round
 * trips only where no measured node could do). Tasks that back off are left out.
 */
export function planRequest(sources: PlanSources): MappedRequest {
  return new Mapping(sources).map()
}

class Mapping {
  readonly #sources: PlanSources
  readonly #nodes: readonly NodeView[]
  readonly #places: ReadonlyMap<NodeId, number>
  readonly #sorts: number[][] = []
  readonly #sortNumbers = new Map<string, number>()
  readonly #suitable = new Map<string, readonly number[]>()
  readonly #tasks: PlanTask[] = []
  readonly #taskIds: TaskId[] = []
  readonly #rules: PlanRule[] = []
  readonly #byJob = new Map<string, { job: Job; places: number[]; beside: number[] }>()

  constructor(sources: PlanSources) {
    this.#sources = sources
    this.#nodes = sources.nodes
    this.#places = new Map(sources.nodes.map(({ nodeId }, place) => [nodeId, place]))
  }

  map(): MappedRequest {
    const { queue, held = [], now, horizonMs, objectives } = this.#sources
    const heldAttempts = new Set(held.map(({ attempt }) => attempt.attemptId))
    for (const queued of queue) {
      if (queued.task.notBefore > now) continue
      const from = this.#tasks.length
      for (let wanted = queued.task.pending; wanted > 0; wanted -= 1) this.#add(queued, undefined)
      this.#spreadReplicas(queued, from)
      this.#keepCompany(queued, from, heldAttempts)
    }
    for (const task of held) {
      const from = this.#tasks.length
      this.#add(task, task)
      this.#keepCompany(task, from, heldAttempts)
    }
    this.#addCompanyRules()
    const gangs = [...this.#byJob.values()].filter(({ job }) => job.spec.gang).map(({ places }) => places)
    const { nodes, assumed } = this.#planNodes()
    return {
      request: { nodes, sorts: this.#sorts, tasks: this.#tasks, rules: this.#rules, gangs, objectives, horizonMs },
      nodeIds: this.#nodes.map(({ nodeId }) => nodeId),
      taskIds: this.#taskIds,
      assumed,
    }
  }

  #add(queued: QueuedTask, held: HeldTask | undefined): void {
    const { task, job } = queued
    const { limits, tier } = job.spec
    const at = held && this.#places.get(held.attempt.nodeId)
    const ran = held?.attempt.startedAt === undefined ? 0 : this.#sources.now - held.attempt.startedAt
    const foreseen = this.#sources.foresee?.(queued) ?? limits.wallMs
    this.#taskIds.push(task.taskId)
    this.#tasks.push({
      taskId: task.taskId,
      group: job.jobId,
      tier,
      sort: this.#sortOf(queued, held, at),
      cpuMilli: limits.cpuMilli,
      memoryBytes: limits.memoryBytes,
      diskBytes: limits.diskBytes,
      gpuMilli: 0,
      waitedMs: Math.max(0, (held?.attempt.leasedAt ?? this.#sources.now) - task.queuedAt),
      // A run that outlasts what was foreseen is thought to last a tenth of it longer.
      runMs: Math.max(foreseen - ran, foreseen / 10),
      heldBy: at,
      moveMs: held ? (held.moveMs ?? ran) : undefined,
    })
  }

  /** Nodes that may take the task, as a sort: those of its job less those its attempts rule out, and where it is held. */
  #sortOf(queued: QueuedTask, own: HeldTask | undefined, held: number | undefined): number {
    const suitable = this.#suitableFor(queued.job)
    const others = queued.attempts.filter(({ attemptId }) => attemptId !== own?.attempt.attemptId)
    const owners = new Set(others.filter(hasVoice).map(({ ownerId }) => ownerId))
    const free = suitable.filter((place) => !owners.has(this.#nodes[place]!.ownerId))
    const lost = new Set(
      others.filter((attempt) => isAvoidedNow(attempt, this.#sources.now)).map(({ nodeId }) => nodeId),
    )
    const better = free.filter((place) => !lost.has(this.#nodes[place]!.nodeId))
    const allowed = better.length > 0 ? better : free
    const all = held === undefined || allowed.includes(held) ? allowed : [...allowed, held]
    const key = all.join(' ')
    const known = this.#sortNumbers.get(key)
    if (known !== undefined) return known
    this.#sortNumbers.set(key, this.#sorts.length)
    this.#sorts.push([...all])
    return this.#sorts.length - 1
  }

  #suitableFor(job: Job): readonly number[] {
    const known = this.#suitable.get(job.jobId)
    if (known) return known
    const { spec } = job
    const network = coverOf(spec) ? this.#sources.networkOf?.(job) : undefined
    const cap = TIER_TERMS[spec.tier].latencyCapMs
    const open = [...this.#nodes.keys()].filter((place) => {
      const node = this.#nodes[place]!
      if (node.closed !== undefined || !isSuitable(spec, node) || !fitsInto(spec.limits, node.capacity)) return false
      return isElsewhere(node, network)
    })
    const measured = open.filter((place) => isWithin(cap, this.#nodes[place]!))
    const unmeasured = open.filter((place) => this.#nodes[place]!.latencyMs === undefined)
    const suitable = measured.length > 0 ? measured : unmeasured
    this.#suitable.set(job.jobId, suitable)
    return suitable
  }

  /** Replicas of a task go to distinct owners, and those of a tier that is spread to several failure domains. */
  #spreadReplicas({ task, job, attempts }: QueuedTask, from: number): void {
    const tasks = range(from, this.#tasks.length)
    const voices = attempts.filter(hasVoice)
    const beside = voices.flatMap(({ nodeId }) => this.#places.get(nodeId) ?? [])
    if (tasks.length > 1) this.#rules.push({ kind: 'apart', level: 'owner', tasks })
    const { failureDomains } = TIER_TERMS[job.spec.tier]
    const replicas = task.pending + voices.length
    if (failureDomains < 2 || replicas < 2) return
    this.#rules.push({
      kind: 'apart',
      level: 'domain',
      most: Math.max(1, replicas - failureDomains + 1),
      tasks,
      beside,
    })
  }

  /** Notes where tasks of a job stand that are no part of the request. */
  #keepCompany({ job, attempts }: QueuedTask, from: number, held: ReadonlySet<string>): void {
    const known = this.#byJob.get(job.jobId) ?? { job, places: [], beside: this.#standingOf(job) }
    this.#byJob.set(job.jobId, known)
    known.places.push(...range(from, this.#tasks.length))
    if (this.#sources.standing?.has(job.jobId)) return
    const others = attempts.filter((attempt) => isLive(attempt) && !held.has(attempt.attemptId))
    known.beside.push(...others.flatMap(({ nodeId }) => this.#places.get(nodeId) ?? []))
  }

  #standingOf({ jobId }: Job): number[] {
    return (this.#sources.standing?.get(jobId) ?? []).flatMap((nodeId) => this.#places.get(nodeId) ?? [])
  }

  #addCompanyRules(): void {
    for (const { job, places, beside } of this.#byJob.values()) {
      const company = companyOf(job.spec)
      if (company) this.#rules.push({ kind: company.how, level: company.what, tasks: places, beside })
      const { failureDomains } = TIER_TERMS[job.spec.tier]
      if (failureDomains < 2 || places.length < 2) continue
      const most = Math.ceil((job.tasks * job.spec.verification.quorum) / failureDomains)
      this.#rules.push({ kind: 'apart', level: 'domain', most, tasks: places, beside })
    }
  }

  #planNodes(): { nodes: PlanNode[]; assumed: Partial<Record<keyof NodeTerms, number>> } {
    const assumed: Partial<Record<keyof NodeTerms, number>> = {}
    const heldOn = new Map<number, number>()
    for (const { heldBy } of this.#tasks) if (heldBy !== undefined) heldOn.set(heldBy, (heldOn.get(heldBy) ?? 0) + 1)
    const nodes = this.#nodes.map((node, place): PlanNode => {
      const read = readTerms(node)
      for (const name of read.assumed) assumed[name] = (assumed[name] ?? 0) + 1
      const { cpuMilli, memoryBytes, diskBytes } = node.free
      return {
        nodeId: node.nodeId,
        free: { cpuMilli, memoryBytes, diskBytes, gpuMilli: 0 },
        keptCpuMilli: node.keptCpuMilli,
        slots: node.slots,
        totalCpuMilli: node.capacity.cpuMilli,
        isOn: cpuMilli + this.#heldCpuOn(place, heldOn) < node.capacity.cpuMilli,
        owner: node.ownerId,
        domain: domainOf(node),
        ...read.terms,
      }
    })
    return { nodes, assumed }
  }

  #heldCpuOn(place: number, heldOn: ReadonlyMap<number, number>): number {
    if (!heldOn.has(place)) return 0
    return this.#tasks.reduce((sum, { heldBy, cpuMilli }) => sum + (heldBy === place ? cpuMilli : 0), 0)
  }
}

/** What a point of the front asks for: placements of tasks that wait, and moves of those that run. */
export function placementsOf({ request, nodeIds, taskIds }: MappedRequest, answer: FrontAnswer, point = answer.chosen) {
  const placements: { readonly taskId: TaskId; readonly nodeId: NodeId }[] = []
  const moves: { readonly taskId: TaskId; readonly from: NodeId; readonly to: NodeId }[] = []
  for (const [place, node] of (answer.points[point]?.nodeOf ?? []).entries()) {
    const { heldBy } = request.tasks[place]!
    if (node < 0 || node === heldBy) continue
    if (heldBy === undefined) placements.push({ taskId: taskIds[place]!, nodeId: nodeIds[node]! })
    else moves.push({ taskId: taskIds[place]!, from: nodeIds[heldBy]!, to: nodeIds[node]! })
  }
  return { placements, moves }
}

function isAvoidedNow({ status, endedAt, leasedAt }: Attempt, now: Instant): boolean {
  return (status === 'lost' || status === 'returned') && (endedAt ?? leasedAt) + AVOID_MS > now
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
