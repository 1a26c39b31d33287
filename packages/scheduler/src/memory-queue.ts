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
    const lines = Map.groupBy(this.#lines.groups(), tierOf)
    const isNext = (task: Task) => isReady(task) && !this.#isAged(task, now)
    const next: Task[] = []
    for (const tier of TIERS) {
      if (tier === 'silver') next.push(...this.#aged(now, limit, isReady))
      const own = (lines.get(tier) ?? []).map((line) => ready(this.#lines.get(line).values(), isNext))
      this.#takeTurns(own, most, limit, next)
    }
    return next.slice(0, limit)
  }

  /** One of each line in a turn, those due first before the others, until there are enough. */
  #takeTurns(lines: readonly Iterator<Task>[], most: number, limit: number, next: Task[]): void {
    let left = lines
    for (let turn = 0; turn < most && left.length > 0 && next.length < limit; turn += 1) {
      const drawn = left.map((line) => ({ line, task: line.next() })).filter(({ task }) => !task.done)
      left = drawn.map(({ line }) => line)
      const tasks = drawn.map(({ task }) => task.value as Task)
      next.push(...tasks.sort((a, b) => compareDue(this.#dueAt(a), this.#dueAt(b)) || byAge(a, b)))
    }
  }

  #aged(now: Instant, limit: number, isReady: (task: Task) => boolean): Task[] {
    const aged: Task[] = []
    for (const tier of ['silver', 'bronze'] as const) {
      let seen = 0
      for (const task of this.#parts.oldest(tier)) {
        if (seen >= limit || now - task.queuedAt <= AGEING_MS) break
        if (task.pending > 0 && isReady(task)) aged.push(task)
        seen += 1
      }
    }
    return aged.sort(byAge)
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

function* ready(line: Iterable<Task>, isNext: (task: Task) => boolean): Generator<Task> {
  for (const task of line) if (isNext(task)) yield task
}

function tierOf(line: string): Tier {
  return line.slice(0, line.indexOf(' ')) as Tier
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
