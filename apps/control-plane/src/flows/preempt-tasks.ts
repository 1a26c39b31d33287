import type { Instant } from '@fog/kernel'
import {
  choosePreemptions,
  mayPreempt,
  type NodeView,
  type Occupant,
  plan,
  type Preemption,
  type QueuedTask,
  TIER_TERMS,
  TIERS,
} from '@fog/scheduler'
import type { Batch, Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { advanceTasks, type TaskChange } from './advance-tasks.ts'
import { occupantsOf } from './occupants.ts'
import { contextOf, type OpenFog, openFog, placeWindow, type Round } from './place-jobs.ts'
import { liveContext } from './plan-context.ts'
import { onlyWholeGangs, readWholeGangs } from './whole-gangs.ts'
import { withinQuota } from './within-quota.ts'

/** So many waiting tasks are looked at in one round, best tier first. */
const MOST_CLAIMS = 64
const MOST_YIELDING = 256
const MINUTE_MS = 60_000

/** Tiers that some other tier takes room from. */
const LOWER_TIERS = TIERS.filter((tier) => TIERS.some((other) => TIER_TERMS[other].preempts.includes(tier)))

/** Bounds how many tasks lose their room in a minute, so that a flood of better jobs does not throw all work away. */
export class PreemptionGate {
  readonly #taken: Instant[] = []

  left(now: Instant, perMinute: number): number {
    while (this.#taken.length > 0 && this.#taken[0]! <= now - MINUTE_MS) this.#taken.shift()
    return Math.max(0, perMinute - this.#taken.length)
  }

  take(count: number, now: Instant): void {
    for (let i = 0; i < count; i += 1) this.#taken.push(now)
  }
}

/**
 * Makes room for tasks of better tiers that have none. Called when a round of placing left them waiting.
 *
 * What keeps no state gives way at once, and in the same transaction the waiting task gets the room: nothing can come
 * between, and a crash leaves either all of it or nothing. What keeps its state is asked first and has a moment to keep
 * it; its room is taken when that has passed, or it gave the task back before, and the next round of placing gives it to
 * the best tier that waits.
 */
export async function preemptTasks(platform: Platform, round: Round, gate: PreemptionGate): Promise<Batch> {
  const { database, clock, config } = platform
  const done = await database.transact(async (tx) => {
    const now = clock.now()
    const forced = await takeOverdue(platform, tx, now)
    const whole = await readWholeGangs(tx, await tx.jobs.takeQueued(now, MOST_CLAIMS), now)
    const queue = onlyWholeGangs(whole, await withinQuota(platform, tx, whole))
    const claims = queue.filter((queued) => mayPreempt(queued, now))
    if (claims.length === 0) return { forced, taken: 0, asked: 0 }
    const fog = await openFog(platform, tx, round)
    const limit = gate.left(now, config.tiers.preemptionsPerMinute)
    const chosen = await choose(platform, tx, claims, { fog, round, limit })
    const { hard, soft } = split(chosen, config.tiers.preemptGraceMs)
    if (soft.length > 0)
      await advanceTasks(
        platform,
        tx,
        soft.map((each) => askEvent(platform, each, claims)),
      )
    if (hard.length > 0) {
      await advanceTasks(
        platform,
        tx,
        hard.map((each) => takeEvent(each, claims, now)),
      )
      await placeWindow(platform, tx, ofTheirJobs(claims, hard), await openFog(platform, tx, round), round)
    }
    if (hard.length + soft.length > 0) tx.wake('cancel')
    return { forced, taken: hard.length, asked: soft.length }
  })
  // After the commit: a transaction that is tried again takes once.
  gate.take(done.taken + done.asked, clock.now())
  return { next: 'idle', count: done.forced + done.taken + done.asked }
}

/** Takes the room of those whose time to keep their state has passed. */
async function takeOverdue(platform: Platform, tx: Transaction, now: Instant): Promise<number> {
  const yielding = await tx.jobs.tiers.listYielding(MOST_YIELDING)
  const overdue = yielding.filter(({ yieldBy }) => yieldBy! <= now)
  if (overdue.length === 0) return 0
  await advanceTasks(
    platform,
    tx,
    overdue.map(({ taskId, attemptId, note }) => ({
      taskId,
      event: { type: 'preempted', attemptId, at: now, why: note ?? 'a better tier needs its room' } as const,
    })),
  )
  tx.wake('cancel')
  return overdue.length
}

/**
 * Whom to take from. The plan itself has the last word: a task for which it would use none of the room, say because of
 * what it must not stand beside, takes nobody's.
 */
async function choose(
  platform: Platform,
  tx: Transaction,
  claims: readonly QueuedTask[],
  { fog, round, limit }: { readonly fog: OpenFog; readonly round: Round; readonly limit: number },
): Promise<Preemption[]> {
  const context = contextOf(platform, fog, round)
  const views = fog.nodes.map(({ view }) => view)
  const occupants = await occupantsOf(tx, views, LOWER_TIERS)
  const chosen = choosePreemptions(claims, views, occupants, { ...context, limit })
  if (chosen.length === 0) return []
  const after = views.map((view) =>
    withoutThem(
      view,
      chosen.filter(({ occupant }) => occupant.nodeId === view.nodeId),
    ),
  )
  const wanting = ofTheirJobs(claims, chosen)
  const live = await liveContext(tx, wanting, context.now)
  const { placements } = plan(wanting, after, { ...context, ...live })
  const [nodes, tasks] = [
    new Set(placements.map(({ nodeId }) => nodeId)),
    new Set(placements.map((each) => each.taskId)),
  ]
  const jobOf = new Map(wanting.map(({ task, job }) => [task.taskId, job]))
  return chosen.filter(({ occupant, taskId }) => {
    const job = jobOf.get(taskId)!
    // A gang is placed whole or not at all, so its room is taken whole or not at all.
    const isWhole =
      !job.spec.gang || wanting.every((each) => each.job.jobId !== job.jobId || tasks.has(each.task.taskId))
    return isWhole && nodes.has(occupant.nodeId)
  })
}

/** Of the waiting tasks those whose jobs take room: others of the job may need none and are placed with them. */
function ofTheirJobs(claims: readonly QueuedTask[], chosen: readonly Preemption[]): QueuedTask[] {
  const taking = new Set(chosen.map(({ taskId }) => taskId))
  const jobs = new Set(claims.filter(({ task }) => taking.has(task.taskId)).map(({ task }) => task.jobId))
  return claims.filter(({ task }) => jobs.has(task.jobId))
}

function withoutThem(view: NodeView, going: readonly Preemption[]): NodeView {
  if (going.length === 0) return view
  const sum = (of: (room: Occupant['room']) => number) =>
    going.reduce((total, { occupant }) => total + of(occupant.room), 0)
  return {
    ...view,
    closed: undefined,
    slots: view.slots + going.length,
    free: {
      cpuMilli: view.free.cpuMilli + sum(({ cpuMilli }) => cpuMilli),
      memoryBytes: view.free.memoryBytes + sum(({ memoryBytes }) => memoryBytes),
      diskBytes: view.free.diskBytes + sum(({ diskBytes }) => diskBytes),
    },
  }
}

/** A task for which somebody is given time waits for that: of the others nobody has to go before. */
function split(
  chosen: readonly Preemption[],
  graceMs: number,
): { readonly hard: Preemption[]; readonly soft: Preemption[] } {
  const needsTime = ({ occupant }: Preemption) => graceMs > 0 && occupant.keepsState
  const later = new Set(
    chosen.filter((each) => each.occupant.isYielding || needsTime(each)).map(({ taskId }) => taskId),
  )
  return {
    hard: chosen.filter(({ taskId }) => !later.has(taskId)),
    soft: chosen.filter((each) => needsTime(each) && !each.occupant.isYielding),
  }
}

function askEvent({ clock, config }: Platform, each: Preemption, claims: readonly QueuedTask[]): TaskChange {
  const { attemptId, taskId } = each.occupant
  const at = clock.now()
  const by = at + config.tiers.preemptGraceMs
  return { taskId, event: { type: 'yielding', attemptId, at, by, why: reasonOf(each, claims) } }
}

function takeEvent(each: Preemption, claims: readonly QueuedTask[], at: Instant): TaskChange {
  const { attemptId, taskId } = each.occupant
  return { taskId, event: { type: 'preempted', attemptId, at, why: reasonOf(each, claims) } }
}

function reasonOf({ taskId }: Preemption, claims: readonly QueuedTask[]): string {
  const claim = claims.find(({ task }) => task.taskId === taskId)
  return `a ${claim?.job.spec.tier ?? 'better'} task needs its room`
}
