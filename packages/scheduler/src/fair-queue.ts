import type { AccountId } from '@fog/kernel'
import type { QueuedTask } from './job-store.ts'
import { TIERS } from './tier.ts'

interface Share {
  /** What the account holds and was given in this plan: thousandths of a core. */
  served: number
  readonly tasks: QueuedTask[]
  next: number
}

/**
 * Best tier first; within a tier the account that is served least goes first, its oldest task first. An account with
 * ten thousand tasks therefore delays another's one task by no more than that one's turn. O(log accounts) a task.
 */
export class FairQueue {
  readonly #tiers: Share[][]

  /** `inUse`: what each account holds now, in thousandths of a core. */
  constructor(queue: readonly QueuedTask[], inUse: ReadonlyMap<AccountId, number>) {
    const byTier = Map.groupBy(queue, ({ job }) => job.spec.tier)
    this.#tiers = TIERS.map((tier) => shares(byTier.get(tier) ?? [], inUse))
  }

  /** The tasks one after the other; `serve` says what each was given before the next is chosen. */
  *tasks(): Generator<{ readonly queued: QueuedTask; readonly serve: (cpuMilli: number) => void }> {
    for (const heap of this.#tiers) {
      while (heap.length > 0) {
        const share = heap[0]!
        const queued = share.tasks[share.next]!
        share.next += 1
        yield { queued, serve: (cpuMilli) => void (share.served += cpuMilli) }
        if (share.next >= share.tasks.length) dropFirst(heap)
        else sinkFirst(heap)
      }
    }
  }
}

function shares(queue: readonly QueuedTask[], inUse: ReadonlyMap<AccountId, number>): Share[] {
  const byAccount = Map.groupBy(queue, ({ job }) => job.accountId)
  const heap = [...byAccount].map(([accountId, tasks]) => ({
    served: inUse.get(accountId) ?? 0,
    tasks: tasks.toSorted(byAge),
    next: 0,
  }))
  // A sorted list is a heap already.
  return heap.sort(compare)
}

function byAge(a: QueuedTask, b: QueuedTask): number {
  return a.task.queuedAt - b.task.queuedAt || a.task.index - b.task.index || compareIds(a, b)
}

function compare(a: Share, b: Share): number {
  return a.served - b.served || byAge(a.tasks[a.next]!, b.tasks[b.next]!)
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
