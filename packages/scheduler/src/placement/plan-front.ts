import type { Clock } from '@fog/kernel'
import { seededRng } from '@fog/kernel'
import { TIER_TERMS, type Tier } from '../tier.ts'
import type { Member } from './archive.ts'
import { Arrangement } from './arrangement.ts'
import { valuesOf } from './baselines.ts'
import { buildModel } from './build-model.ts'
import { type Breaches, choosePoint, type PlacementPolicy, spanOf, TIER_POLICY } from './choose.ts'
import { Direction } from './direction.ts'
import { ARCHIVE_BOUND, PlacementEngine } from './engine.ts'
import { OBJECTIVE_UNITS, type ObjectiveName, type PlacementModel, WAITS } from './model.ts'
import type { PlanRequest } from './request.ts'

export interface PlanFrontOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly deadlineMs: number
  readonly seed: number
  readonly policy?: PlacementPolicy | undefined
  readonly archiveBound?: number | undefined
  /** Ends the search early; the best so far is the answer. On the same thread it can only be aborted by the clock. */
  readonly signal?: AbortSignal | undefined
}

export interface FrontPoint {
  /** In the order of the answer's objectives. */
  readonly values: number[]
  /** Node of each task of the request by its place there, -1 where it goes on waiting. */
  readonly nodeOf: Int32Array
  readonly waiting: number
  /** Held tasks that go to another node. */
  readonly moves: number
  /** By tier, tasks that would wait past their promise or run slower than promised. */
  readonly breaches: Breaches
}

/** The front of one request, and the point the policy put in force: plain data, to be sent back from a worker thread. */
export interface FrontAnswer {
  readonly objectives: { readonly name: ObjectiveName; readonly unit: string }[]
  readonly points: FrontPoint[]
  /** Place in `points`; -1 when there is nothing to place. */
  readonly chosen: number
  /** Why that one, in sentences. */
  readonly why: string
  readonly method: string
  readonly seed: number
  /** Placements weighed, and the time it took by the clock it was given. */
  readonly looks: number
  readonly spentMs: number
}

/**
 * Searches until the deadline and answers the front. Always feasible. Goes past the deadline by what one greedy placement
 * takes at most, since no answer would be worse: a front has a point, whatever the deadline. With a clock that stands still
 * it would never end.
 */
export function planFront(request: PlanRequest, options: PlanFrontOptions): FrontAnswer {
  const { clock, deadlineMs, seed, policy = TIER_POLICY, archiveBound = ARCHIVE_BOUND, signal } = options
  const startedAt = clock.now()
  const model = buildModel(request)
  const engine = new PlacementEngine(model, seededRng(seed), { archiveBound })
  const isOver = () => clock.now() - startedAt >= deadlineMs || signal?.aborted === true
  if (request.tasks.length > 0)
    do engine.step()
    while (engine.front.length === 0 || !isOver())
  const at = new Arrangement(model)
  const members = undominated(engine.front.map((member) => holdGangs(at, member, request)))
  const { chosen, why } = choosePoint(
    members.map((member) => pointOf(at, member, request)),
    model.objectives,
    policy,
  )
  if (chosen !== WAITS) members[chosen] = withoutVainMoves(at, members, chosen)
  return {
    objectives: model.objectives.map((name) => ({ name, unit: OBJECTIVE_UNITS[name] })),
    points: members.map((member) => pointOf(at, member, request)),
    chosen,
    why,
    method: 'memetic NSGA-II from 21 greedy and 66 weighted starts',
    seed,
    looks: engine.looks,
    spentMs: clock.now() - startedAt,
  }
}

/** A gang of which some would wait waits as a whole; what is held stays. */
function holdGangs(at: Arrangement, member: Member, { gangs = [] }: PlanRequest): Member {
  const torn = gangs.filter((gang) => gang.some((task) => member.nodeOf[task] === WAITS))
  if (torn.length === 0) return member
  at.load(member.nodeOf)
  const { heldBy } = at.model
  for (const task of torn.flat()) if (at.nodeOf[task] !== WAITS && heldBy[task] === WAITS) at.remove(task)
  return { values: valuesOf(at), nodeOf: at.nodeOf.slice() }
}

/** What sums of the same parts in another order differ by, as a part of them, and much more. */
const ROUNDING = 1e-9

/** Of points that are equal but for rounding one stays: nobody could choose between them. */
function undominated(members: readonly Member[]): Member[] {
  let kept: Member[] = []
  for (const member of members) {
    if (kept.some(({ values }) => isAboutAsGood(values, member.values))) continue
    kept = [...kept.filter(({ values }) => !isAboutAsGood(member.values, values)), member]
  }
  return kept
}

function isAboutAsGood(a: Float64Array, b: Float64Array): boolean {
  return a.every((value, k) => value - b[k]! <= ROUNDING * Math.max(Math.abs(value), Math.abs(b[k]!)))
}

/**
 * Takes back each move of a held task that gains less than it costs: with all objectives weighed alike over the front's
 * ranges, the point is better, or as good, without it.
 */
function withoutVainMoves(at: Arrangement, members: readonly Member[], chosen: number): Member {
  const { model } = at
  const member = members[chosen]!
  const moved = [...member.nodeOf.keys()].filter((task) => isMoved(model, member, task))
  if (moved.length === 0) return member
  const width = model.objectives.length
  const direction = new Direction(model, new Float64Array(width).fill(1 / width), spansOf(members))
  at.load(member.nodeOf)
  for (const task of moved) {
    const held = model.heldBy[task]!
    if (at.hasRoom(task, held) && at.obeysRules(task, held)) {
      if (direction.removing(at, task) + direction.placing(at, task, held) <= 0) at.move(task, held)
    }
  }
  return { values: valuesOf(at), nodeOf: at.nodeOf.slice() }
}

function spansOf(members: readonly Member[]): Float64Array {
  return members[0]!.values.map((_, k) => {
    const all = members.map(({ values }) => values[k]!)
    return spanOf(Math.min(...all), Math.max(...all))
  })
}

function isMoved({ heldBy }: PlacementModel, { nodeOf }: Member, task: number): boolean {
  return heldBy[task] !== WAITS && nodeOf[task] !== WAITS && nodeOf[task] !== heldBy[task]
}

function pointOf(at: Arrangement, member: Member, request: PlanRequest): FrontPoint {
  const { model } = at
  at.load(member.nodeOf)
  const tasks = [...member.nodeOf.keys()]
  return {
    values: [...member.values],
    nodeOf: member.nodeOf,
    waiting: tasks.filter((task) => member.nodeOf[task] === WAITS).length,
    moves: tasks.filter((task) => isMoved(model, member, task)).length,
    breaches: breachesOf(at, request),
  }
}

/** Whose promise of a wait, or of a run time, the arrangement breaks. Who waits is thought to wait for the horizon. */
function breachesOf(at: Arrangement, { tasks, horizonMs }: PlanRequest): Breaches {
  const breaches: Record<Tier, number> = { platinum: 0, gold: 0, silver: 0, bronze: 0 }
  for (const [place, { tier, waitedMs }] of tasks.entries()) {
    const { queueWaitP95Ms = Number.POSITIVE_INFINITY, runStretch } = TIER_TERMS[tier]
    const node = at.nodeOf[place]!
    const isBroken = node === WAITS ? waitedMs + horizonMs > queueWaitP95Ms : at.stretch[node]! > runStretch
    if (isBroken) breaches[tier] += 1
  }
  return breaches
}
