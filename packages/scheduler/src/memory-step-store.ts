import type { Instant, JobId, MemoryDatabase, MemoryTable, TaskId } from '@fog/kernel'
import type { InputFile } from './job.ts'
import type { SortedIndex } from './sorted-index.ts'
import { isBlocked, isOpen, sumCounts } from './states.ts'
import type { BlockedEnd, Release, StepDelta, StepStore } from './step-store.ts'
import type { JobStep, TaskSpan } from './steps.ts'
import type { Task } from './task.ts'

/** What the steps share with the job store they are part of. */
export interface TasksInMemory {
  readonly tasks: MemoryTable<TaskId, Task>
  readonly byJob: SortedIndex<JobId, Task>
}

/** The memory twin of the steps. */
export class MemoryStepStore implements StepStore {
  readonly #steps: MemoryTable<string, JobStep>
  readonly #tasks: TasksInMemory
  readonly #places = new Map<JobId, Set<number>>()

  constructor(database: MemoryDatabase, tasks: TasksInMemory) {
    this.#tasks = tasks
    this.#steps = database.table((before, after) => {
      const step = after ?? before
      if (!step) return
      const places = this.#places.get(step.jobId) ?? new Set()
      this.#places.set(step.jobId, places)
      if (after) places.add(step.step)
      else places.delete(step.step)
    })
  }

  add(steps: readonly JobStep[]): void {
    for (const step of steps) this.#steps.set(keyOf(step), step)
  }

  /** In the order of places. */
  of(jobId: JobId): JobStep[] {
    const places = [...(this.#places.get(jobId) ?? [])].sort((a, b) => a - b)
    return places.flatMap((step) => this.#steps.get(keyOf({ jobId, step })) ?? [])
  }

  async list(jobIds: readonly JobId[]): Promise<JobStep[]> {
    return [...new Set(jobIds)].sort().flatMap((jobId) => this.of(jobId))
  }

  async addCounts(deltas: readonly StepDelta[]): Promise<JobStep[]> {
    for (const delta of deltas) {
      const step = this.#steps.get(keyOf(delta))
      if (!step) continue
      const { waiting, jobId: _, step: _place, ...counts } = delta
      this.add([{ ...step, waiting: step.waiting + waiting, counts: sumCounts(step.counts, counts) }])
    }
    const changed = new Set(deltas.map(keyOf))
    return (await this.list(deltas.map(({ jobId }) => jobId))).filter((step) => changed.has(keyOf(step)))
  }

  async share(jobId: JobId, place: number, inputs: readonly InputFile[]): Promise<void> {
    const step = this.#steps.get(keyOf({ jobId, step: place }))
    if (step) this.add([{ ...step, inputs: [...step.inputs, ...inputs] }])
  }

  async release(
    releases: readonly Release[],
    at: Instant,
  ): Promise<{ readonly jobId: JobId; readonly index: number }[]> {
    const queued: { readonly jobId: JobId; readonly index: number }[] = []
    for (const { jobId, index, inputs } of releases.toSorted(byIndex)) {
      for (const task of this.#blocked(jobId, { first: index, tasks: 1 })) {
        if (this.#free({ ...task, inputs: [...task.inputs, ...inputs] }, at)) queued.push({ jobId, index })
      }
    }
    return queued
  }

  async releaseSpan(jobId: JobId, span: TaskSpan, at: Instant): Promise<number> {
    return this.#blocked(jobId, span).filter((task) => this.#free(task, at)).length
  }

  async endBlocked(jobId: JobId, span: TaskSpan, { status, failure, at }: BlockedEnd): Promise<number> {
    const blocked = this.#blocked(jobId, span)
    for (const task of blocked) {
      const { blockedBy: _, ...ended } = task
      this.#save({ ...ended, status, finishedAt: at, ...(failure && { failure }) })
    }
    return blocked.length
  }

  #blocked(jobId: JobId, { first, tasks }: TaskSpan): Task[] {
    const found: Task[] = []
    for (const task of this.#tasks.byJob.get(jobId).values(({ index }) => index < first)) {
      if (task.index >= first + tasks) break
      if (isOpen(task) && isBlocked(task)) found.push(task)
    }
    return found
  }

  #free({ blockedBy = 0, ...task }: Task, at: Instant): boolean {
    const left = blockedBy - 1
    if (left > 0) this.#save({ ...task, blockedBy: left })
    else this.#save({ ...task, pending: task.quorum, queuedAt: at, notBefore: at })
    return left === 0
  }

  #save(task: Task): void {
    this.#tasks.tasks.set(task.taskId, task)
  }
}

function byIndex(a: Release, b: Release): number {
  return a.jobId === b.jobId ? a.index - b.index : a.jobId < b.jobId ? -1 : 1
}

function keyOf({ jobId, step }: Pick<JobStep, 'jobId' | 'step'>): string {
  return `${jobId} ${step}`
}
