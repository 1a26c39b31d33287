import type { Instant, TaskId } from '@fog/kernel'
import { AGEING_MS } from './ageing.ts'
import { isAged, lineLimit } from './fair-queue.ts'
import type { Job } from './job.ts'
import { SortedIndex } from './sorted-index.ts'
import type { Task } from './task.ts'
import { type Tier, TIERS } from './tier.ts'

/** What the queue has to know of the store it is of. */
export interface MemoryQueueParts {
  readonly jobOf: (task: Task) => Job
  /** Queued tasks of a tier, the oldest first. */
  readonly oldest: (tier: Tier) => Iterable<Task>
}

/** The queue of a memory store by lines: what one account has queued in one tier. */
export class MemoryQueue {
  readonly #parts: MemoryQueueParts
  readonly #lines: SortedIndex<string, Task>

  constructor(parts: MemoryQueueParts) {
    this.#parts = parts
    this.#lines = new SortedIndex<string, Task>(
      (task) => (task.pending > 0 ? lineOf(parts.jobOf(task)) : undefined),
      (a, b) => this.#compare(a, b),
    )
  }

  follow(before: Task | undefined, after: Task | undefined): void {
    this.#lines.follow(before, after)
  }

  /** The next tasks that are ready: by tier, with what has aged between Gold and Silver, and in each by turns of the lines. */
  next(now: Instant, limit: number, isReady: (task: Task) => boolean): Task[] {
    const most = lineLimit(limit, this.#lines.groupCount)
    const turns = [...this.#aged(now, limit, isReady)]
    for (const line of this.#lines.groups()) {
      const rank = TIERS.indexOf(line.split(' ', 1)[0] as Tier)
      let turn = 0
      for (const task of this.#lines.get(line).values()) {
        if (turn >= most) break
        if (isReady(task) && !this.#isAged(task, now))
          turns.push({ task, rank, turn: (turn += 1), dueAt: this.#dueAt(task) })
      }
    }
    turns.sort((a, b) => a.rank - b.rank || a.turn - b.turn || compareDue(a.dueAt, b.dueAt) || byAge(a.task, b.task))
    return turns.slice(0, limit).map(({ task }) => task)
  }

  *#aged(now: Instant, limit: number, isReady: (task: Task) => boolean): Generator<Turn> {
    for (const tier of ['silver', 'bronze'] as const) {
      let turn = 0
      for (const task of this.#parts.oldest(tier)) {
        if (turn >= limit || now - task.queuedAt <= AGEING_MS) break
        // Turns of both are by age, which sorts them among each other.
        if (task.pending > 0 && isReady(task)) yield { task, rank: TIERS.indexOf('gold') + 0.5, turn: 0, dueAt: 0 }
        turn += 1
      }
    }
  }

  #isAged(task: Task, now: Instant): boolean {
    return task.status === 'queued' && isAged({ task, job: this.#parts.jobOf(task) }, now)
  }

  #compare(a: Task, b: Task): number {
    const [first, second] = [this.#parts.jobOf(a), this.#parts.jobOf(b)]
    return (
      (second.spec.priority ?? 0) - (first.spec.priority ?? 0) ||
      compareDue(this.#dueAt(a), this.#dueAt(b)) ||
      byAge(a, b)
    )
  }

  #dueAt(task: Task): Instant {
    return this.#parts.jobOf(task).deadlineAt ?? Infinity
  }
}

interface Turn {
  readonly task: Task
  readonly rank: number
  readonly turn: number
  readonly dueAt: Instant
}

function lineOf({ spec, accountId }: Job): string {
  return `${spec.tier} ${accountId}`
}

/** Two without a deadline are equal. */
function compareDue(a: Instant, b: Instant): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function byAge(a: Task, b: Task): number {
  return a.queuedAt - b.queuedAt || a.index - b.index || compareIds(a.taskId, b.taskId)
}

function compareIds(a: TaskId, b: TaskId): number {
  return a < b ? -1 : a > b ? 1 : 0
}
