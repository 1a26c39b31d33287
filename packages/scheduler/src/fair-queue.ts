import type { AccountId, Instant } from '@fog/kernel'
import { AGEING_MS } from './ageing.ts'
import type { Job, JobSpec } from './job.ts'
import type { QueuedTask } from './job-store.ts'
import type { Task } from './task.ts'
import type { Tier } from './tier.ts'

/** Tasks that are placed together or not at all: one, or those of a gang. All of one job, and of one step of it. */
export type Unit = readonly [QueuedTask, ...QueuedTask[]]

interface Share {
  /** What the account holds and was given in this plan: thousandths of a core. */
  served: number
  readonly units: readonly Unit[]
  next: number
}

type Class = Tier | 'aged'

/** Who goes before whom. What waited for a day goes before all newer tasks whose tier promises no wait of seconds. */
const CLASSES: readonly Class[] = ['platinum', 'gold', 'aged', 'silver', 'bronze']

/**
 * A store hands out the queue by lines: what one account has queued in one tier. With more lines than this each gives up less
 * than is asked for in all, so that reading them stays cheap.
 */
export const LINES_WHOLE = 8
/** And yet no less than so much. */
export const LINE_LEAST = 32

/** How many tasks of each of so many lines a store reads when it is asked for `limit` in all. */
export function lineLimit(limit: number, lines: number): number {
  return Math.min(limit, Math.max(LINE_LEAST, Math.ceil((limit * LINES_WHOLE) / lines)))
}

/**
 * Best tier first; within a tier the account that is served least goes first. An account's own tasks go by priority, then
 * the nearest deadline, then age. An account with ten thousand tasks therefore delays another's one task by no more than
 * that one's turn. A gang takes its turn with its first task. O(log accounts) a turn.
 */
export class FairQueue {
  readonly #classes: Share[][]

  /** `inUse`: what each account holds now, in thousandths of a core. */
  constructor(queue: readonly QueuedTask[], inUse: ReadonlyMap<AccountId, number>, now: Instant) {
    const byClass = Map.groupBy(queue, (queued) => classOf(queued, now))
    this.#classes = CLASSES.map((each) => shares(byClass.get(each) ?? [], inUse, now))
  }

  /** One turn after the other; `serve` says what each was given before the next is chosen. */
  *turns(): Generator<{ readonly unit: Unit; readonly serve: (cpuMilli: number) => void }> {
    for (const heap of this.#classes) {
      while (heap.length > 0) {
        const share = heap[0]!
        const unit = share.units[share.next]!
        share.next += 1
        yield { unit, serve: (cpuMilli) => void (share.served += cpuMilli) }
        if (share.next >= share.units.length) dropFirst(heap)
        else sinkFirst(heap)
      }
    }
  }
}

/** Whether the task waited so long that it goes before newer ones of better tiers, Platinum and Gold aside. */
export function isAged(
  { task, job }: { readonly task: Pick<Task, 'queuedAt'>; readonly job: Pick<Job, 'spec'> },
  now: Instant,
): boolean {
  const { tier } = job.spec
  return (tier === 'silver' || tier === 'bronze') && now - task.queuedAt > AGEING_MS
}

function classOf(queued: QueuedTask, now: Instant): Class {
  return isAged(queued, now) ? 'aged' : queued.job.spec.tier
}

function shares(queue: readonly QueuedTask[], inUse: ReadonlyMap<AccountId, number>, now: Instant): Share[] {
  const byAccount = Map.groupBy(queue, ({ job }) => job.accountId)
  const heap = [...byAccount].map(([accountId, tasks]) => ({
    served: inUse.get(accountId) ?? 0,
    units: unitsOf(tasks.sort(ownOrder), now),
    next: 0,
  }))
  // A sorted list is a heap already.
  return heap.sort(compare)
}

/** What backs off is no part of its gang now: it would hold up those who do not. */
function unitsOf(tasks: readonly QueuedTask[], now: Instant): Unit[] {
  // Tasks of one job, and of one step of it, share their spec.
  const gangs = new Map<JobSpec, [QueuedTask, ...QueuedTask[]]>()
  const units: Unit[] = []
  for (const queued of tasks) {
    const { job, task } = queued
    const isReady = task.pending > 0 && task.notBefore <= now
    const isOfGang = job.spec.gang === true && isReady
    const gang = isOfGang ? gangs.get(job.spec) : undefined
    if (gang) {
      gang.push(queued)
      continue
    }
    const unit: [QueuedTask, ...QueuedTask[]] = [queued]
    if (isOfGang) gangs.set(job.spec, unit)
    units.push(unit)
  }
  return units
}

function ownOrder(a: QueuedTask, b: QueuedTask): number {
  return (b.job.spec.priority ?? 0) - (a.job.spec.priority ?? 0) || byUrgency(a, b)
}

function byAge(a: QueuedTask, b: QueuedTask): number {
  return a.task.queuedAt - b.task.queuedAt || a.task.index - b.task.index || compareIds(a, b)
}

function compare(a: Share, b: Share): number {
  return a.served - b.served || byUrgency(a.units[a.next]![0], b.units[b.next]![0])
}

function byUrgency(a: QueuedTask, b: QueuedTask): number {
  return byDeadline(a, b) || byAge(a, b)
}

/** Two without one are equal. */
function byDeadline(a: QueuedTask, b: QueuedTask): number {
  const [due, otherDue] = [a.job.deadlineAt ?? Infinity, b.job.deadlineAt ?? Infinity]
  return due < otherDue ? -1 : due > otherDue ? 1 : 0
}

function compareIds(a: QueuedTask, b: QueuedTask): number {
  return a.task.taskId < b.task.taskId ? -1 : a.task.taskId > b.task.taskId ? 1 : 0
}

function dropFirst(heap: Share[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  heap[0] = last
  sinkFirst(heap)
}

function sinkFirst(heap: Share[]): void {
  const moving = heap[0]!
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) < 0) child += 1
    if (compare(moving, heap[child]!) <= 0) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = moving
}
