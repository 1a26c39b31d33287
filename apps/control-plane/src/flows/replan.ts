import { type Instant, type NodeId, randomBelow, type TaskId, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import {
  fitsInto,
  handsOnState,
  isLive,
  type NodeView,
  type Placement,
  type QueuedTask,
  type Tier,
} from '@fog/scheduler'
import { type FrontAnswer, type HeldTask, type MappedRequest, planRequest } from '@fog/scheduler/placement'
import type { KeptFront } from '../front-store.ts'
import type { FrontPlanner } from '../planning/front-planner.ts'
import type { Batch, Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'
import { leasePlacements } from './lease-placements.ts'
import { openFog, type Round } from './place-jobs.ts'
import { Foresight } from './plan-context.ts'
import { withinQuota } from './within-quota.ts'

/** So much is planned together: what the search is bounded by. */
const MOST_QUEUED = 1_000
const MOST_HELD = 256
/** Tiers whose running tasks may move. Platinum and Gold are promised not to be disturbed. */
const MOVABLE: readonly Tier[] = ['silver', 'bronze']
/** A task that just moved stays, and one that ends soon is not worth it. */
const MOVE_REST_MS = 10 * 60_000
const WORTH_MOVING_MS = 60_000
/** So many are asked to move by one plan: the next one sees what came of it. */
const MOST_MOVES = 8
/** What a node without a label for it costs and draws is assumed, so a plan is thought to hold for a minute only. */
const HORIZON_MS = 60_000
/** A task that moves is expected back within this time. */
const DIRECTED_MS = 60_000
/** Fronts that are kept for people to look at. */
const KEPT = 200

/** What one re-plan hands to the next: a fog in which nothing changed is not planned again. */
export class Replanning {
  seen = ''
}

interface Ground {
  readonly queue: readonly QueuedTask[]
  readonly held: readonly HeldTask[]
  readonly nodes: readonly NodeView[]
  readonly mapped: MappedRequest
}

/**
 * Plans what waits and what may move anew, all together, and puts the point that the policy chose into force as far as it is
 * still true: leases for what waits, and a word to those that move. The front is kept. The search runs on a thread of its own
 * and holds no lock, so placing one by one goes on meanwhile; what it took before counts.
 */
export async function replan(
  platform: Platform,
  planner: FrontPlanner,
  round: Round,
  replanning: Replanning,
): Promise<Batch> {
  const { database, clock, config, rng } = platform
  const ground = await database.transact((tx) => look(platform, tx, round))
  if (!ground) return { next: 'idle', count: 0 }
  const seen = fingerprint(ground)
  if (seen === replanning.seen) return { next: 'idle', count: 0 }
  replanning.seen = seen
  const plannedAt = clock.now()
  const seed = randomBelow(rng, 2 ** 31)
  const answer = await planner.plan(ground.mapped.request, { deadlineMs: config.planning.deadlineMs, seed })
  const applied = await database.transact(async (tx) => {
    const done = await apply(platform, tx, ground, answer, round)
    await tx.fronts.add(keptFront(ground, answer, plannedAt, done), KEPT)
    return done
  })
  return { next: 'idle', count: applied.placed + applied.moved.length }
}

/** What there is to plan; undefined where nothing could be better than it is. Locks are gone when the search begins. */
async function look(platform: Platform, tx: Transaction, round: Round): Promise<Ground | undefined> {
  const now = platform.clock.now()
  const { nodes: open } = await openFog(platform, tx, round)
  const nodes = open.map(({ view }) => view)
  if (nodes.length < 2) return undefined
  const queue = await withinQuota(platform, tx, await tx.jobs.takeQueued(now, MOST_QUEUED))
  const held = await movable(tx, nodes, now)
  // Where nothing can move, and nothing that waits has room, every plan is the same.
  const hasRoom = queue.some(({ job }) => nodes.some(({ free, slots }) => slots > 0 && fitsInto(job.spec.limits, free)))
  if (held.length === 0 && !hasRoom) return undefined
  const foresight = await Foresight.recall(
    tx,
    [...queue, ...held].map(({ job }) => job),
  )
  const live = await tx.jobs.tiers.listLive(['platinum', 'gold', 'silver', 'bronze'])
  const heldIds = new Set(held.map(({ attempt }) => attempt.attemptId))
  const others = live.filter(({ attempt }) => !heldIds.has(attempt.attemptId))
  const standing = new Map(
    [...Map.groupBy(others, ({ job }) => job.jobId)].map(([jobId, all]) => [
      jobId,
      all.map(({ attempt }) => attempt.nodeId),
    ]),
  )
  const foresee = ({ job }: QueuedTask) => foresight.runMs(job)
  const mapped = planRequest({ queue, held, nodes, standing, now, horizonMs: HORIZON_MS, foresee })
  return mapped.request.tasks.length === 0 ? undefined : { queue, held, nodes, mapped }
}

/** Single tasks that run, have long to go, and did not just move. */
async function movable(tx: Transaction, nodes: readonly NodeView[], now: Instant): Promise<HeldTask[]> {
  const open = new Set(nodes.map(({ nodeId }) => nodeId))
  const live = await tx.jobs.tiers.listLive(MOVABLE)
  const running = live.filter(
    ({ attempt, task, job }) =>
      attempt.status === 'running' &&
      attempt.yieldBy === undefined &&
      open.has(attempt.nodeId) &&
      task.quorum === 1 &&
      !job.spec.gang &&
      (attempt.startedAt ?? now) + job.spec.limits.wallMs > now + WORTH_MOVING_MS,
  )
  const some = running.slice(0, MOST_HELD)
  const found = await tx.jobs.findTasksForUpdate(some.map(({ task }) => task.taskId))
  const attemptsOf = new Map(found.map(({ task, attempts }) => [task.taskId, attempts]))
  return some.flatMap(({ attempt, task, job }) => {
    const attempts = attemptsOf.get(task.taskId) ?? []
    const others = attempts.filter((each) => each.attemptId !== attempt.attemptId)
    const moved = others.some(({ status, endedAt }) => status === 'preempted' && (endedAt ?? 0) + MOVE_REST_MS > now)
    if (moved || others.some(isLive)) return []
    const unsavedSince = (handsOnState(task) ? attempt.checkpoint?.at : undefined) ?? attempt.startedAt ?? now
    return [{ task, attempts, job, attempt, moveMs: now - unsavedSince }]
  })
}

/** What the plan depends on. Free room of nodes is not: it follows from what runs. */
function fingerprint({ queue, held, nodes }: Ground): string {
  const parts = [
    ...queue.map(({ task }) => `${task.taskId}${task.pending}`),
    ...held.map(({ attempt }) => attempt.attemptId),
    ...nodes.map(({ nodeId, free, slots }) => `${nodeId}${free.cpuMilli} ${free.memoryBytes} ${slots}`),
  ]
  return toHex(sha256(Buffer.from(parts.join('\n'))))
}

interface Applied {
  readonly placed: number
  readonly moved: KeptFront['moved']
}

async function apply(
  platform: Platform,
  tx: Transaction,
  ground: Ground,
  answer: FrontAnswer,
  round: Round,
): Promise<Applied> {
  const chosen = answer.points[answer.chosen]
  if (!chosen) return { placed: 0, moved: [] }
  const { request, nodeIds, taskIds } = ground.mapped
  const placements: Placement[] = []
  const moves: KeptFront['moved'][number][] = []
  for (const [place, { heldBy }] of request.tasks.entries()) {
    const node = chosen.nodeOf[place]!
    if (node < 0 || node === heldBy) continue
    const [taskId, to] = [taskIds[place]!, nodeIds[node]!]
    if (heldBy === undefined) placements.push({ taskId, nodeId: to })
    else if (moves.length < MOST_MOVES) moves.push({ taskId, from: nodeIds[heldBy]!, to })
  }
  const placed = await place(platform, tx, ground, placements)
  const moved = await move(platform, tx, ground, moves)
  for (const { taskId, to } of moved) round.direct(taskId, to, platform.clock.now() + DIRECTED_MS)
  return { placed, moved }
}

/** Leases for what still waits. Where a gang or an aged task is kept room for, the fast path alone decides. */
async function place(
  platform: Platform,
  tx: Transaction,
  { queue, nodes }: Ground,
  placements: readonly Placement[],
): Promise<number> {
  if (placements.length === 0 || queue.some(({ job }) => job.spec.gang)) return 0
  const wanted = new Set<TaskId>(placements.map(({ taskId }) => taskId))
  const jobs = new Map(queue.map(({ task, job }) => [task.taskId, job]))
  const now = platform.clock.now()
  const current = (await tx.jobs.findTasksForUpdate([...wanted]))
    .filter(({ task }) => task.pending > 0 && task.notBefore <= now)
    .map((each): QueuedTask => ({ ...each, job: jobs.get(each.task.taskId)! }))
  // Room that an account may take can be used up since the search began.
  const allowed = await withinQuota(platform, tx, current)
  const waits = new Set(allowed.map(({ task }) => task.taskId))
  const still = placements.filter(({ taskId }) => waits.has(taskId))
  return (await leasePlacements(platform, tx, { placed: still }, current, nodes)).length
}

/** Those that keep their state are given time to; the others end at once. Where they go next was decided. */
async function move(
  platform: Platform,
  tx: Transaction,
  { held, nodes }: Ground,
  moves: KeptFront['moved'],
): Promise<KeptFront['moved']> {
  const at = platform.clock.now()
  const graceMs = platform.config.tiers.preemptGraceMs
  const names = new Map(nodes.map(({ nodeId, name }): [NodeId, string] => [nodeId, name]))
  const changes = moves.flatMap(({ taskId, to }): TaskChange[] => {
    const found = held.find(({ task }) => task.taskId === taskId)
    if (!found) return []
    const { attemptId, checkpoint } = found.attempt
    const why = `it is better off on ${names.get(to) ?? 'another device'}`
    const keeps = checkpoint !== undefined && handsOnState(found.task) && graceMs > 0
    return keeps
      ? [{ taskId, event: { type: 'yielding', attemptId, at, by: at + graceMs, why } }]
      : [{ taskId, event: { type: 'preempted', attemptId, at, why } }]
  })
  if (changes.length === 0) return []
  const ignored = await advanceTasks(platform, tx, changes)
  tx.wake('cancel')
  const done = new Set(changes.filter((_, i) => ignored[i] === undefined).map(({ taskId }) => taskId))
  return moves.filter(({ taskId }) => done.has(taskId))
}

function keptFront(
  { queue, held, nodes, mapped }: Ground,
  answer: FrontAnswer,
  plannedAt: Instant,
  { placed, moved }: Applied,
): KeptFront {
  const { objectives, points, chosen, why, method, seed, looks, spentMs } = answer
  return {
    plannedAt,
    queued: queue.reduce((sum, { task }) => sum + task.pending, 0),
    movable: held.length,
    nodes: nodes.length,
    horizonMs: mapped.request.horizonMs,
    objectives,
    points: points.map(({ values, waiting, moves, breaches }) => ({ values, waiting, moves, breaches })),
    chosen,
    why,
    method,
    seed,
    looks,
    spentMs,
    assumed: { ...mapped.assumed },
    placed,
    moved,
  }
}
