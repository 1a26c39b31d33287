import type { Instant, JobId } from '@fog/kernel'
import {
  type CountDelta,
  countChange,
  dependents,
  type Failure,
  type GivenInputs,
  isShared,
  type Job,
  NO_COUNTS,
  ownInputs,
  type Release,
  type Report,
  sameItem,
  sharedInputs,
  type SourceTask,
  type StepDelta,
  stepPlaceOf,
  type StepSpec,
  sumCounts,
  type Task,
  type TaskSpan,
  type TaskStatus,
} from '@fog/scheduler'
import type { FogEvent, Transaction } from '../ports.ts'

const PAGE = 1000

/** A task of a job of several steps that changed its status. */
export interface StepMove {
  readonly job: Job
  readonly task: Task
  readonly from: TaskStatus
  /** Of the accepted attempt, once it is done. */
  readonly report?: Report | undefined
}

/** What followed for tasks that waited. */
export interface StepEffects {
  /** To add to the jobs' counts. */
  readonly counts: readonly CountDelta[]
  readonly released: number
  readonly events: readonly FogEvent[]
}

/**
 * What follows when tasks of jobs with several steps end: those that waited for them are queued with what they left, or
 * fail with them, in the caller's transaction. Nothing is stored for an edge, so a step costs a statement however many
 * tasks wait for it, and tasks that wait one for one cost a statement a batch.
 */
export async function advanceSteps(tx: Transaction, moves: readonly StepMove[], at: Instant): Promise<StepEffects> {
  if (moves.length === 0) return { counts: [], released: 0, events: [] }
  const after = await tx.jobs.steps.addCounts(moves.map(deltaOf))
  const effects: Advance[] = []
  for (const [jobId, own] of Map.groupBy(moves, ({ job }) => job.jobId)) {
    const advance = new Advance(tx, own[0]!.job, at)
    await advance.follow(
      own,
      after.filter((step) => step.jobId === jobId && step.counts.done > 0),
    )
    effects.push(advance)
  }
  await tx.jobs.steps.addCounts(effects.flatMap(({ deltas }) => deltas))
  return {
    counts: effects.flatMap(({ deltas }) => deltas),
    released: effects.reduce((sum, { released }) => sum + released, 0),
    events: effects.flatMap(({ events }) => events),
  }
}

function deltaOf({ job: { jobId, spec }, task, from }: StepMove): StepDelta {
  return { jobId, step: stepPlaceOf(spec, task.index)!, waiting: 0, ...countChange(from, task.status) }
}

/** One job while its tasks that wait are released or failed. */
class Advance {
  readonly deltas: StepDelta[] = []
  readonly events: FogEvent[] = []
  released = 0
  readonly #tx: Transaction
  readonly #job: Job
  readonly #steps: readonly StepSpec[]
  readonly #at: Instant
  readonly #sources = new Map<number, readonly SourceTask[]>()

  constructor(tx: Transaction, job: Job, at: Instant) {
    this.#tx = tx
    this.#job = job
    this.#steps = job.spec.steps!
    this.#at = at
  }

  /** `after` are the steps of which tasks are done, as they stand now. */
  async follow(
    moves: readonly StepMove[],
    after: readonly { readonly step: number; readonly counts: { readonly done: number } }[],
  ): Promise<void> {
    const done = moves.filter(({ task }) => task.status === 'done')
    const byPlace = Map.groupBy(done, ({ task }) => this.#placeOf(task.index))
    for (const [place, some] of byPlace) {
      await this.#releaseOneForOne(place, some)
      const now = after.find(({ step }) => step === place)
      if (now?.counts.done === this.#steps[place]!.tasks) await this.#releaseDependents(place)
    }
    for (const { task } of moves) {
      // A deadline ends the whole job: whoever ends it sees to those that wait.
      if (task.status !== 'failed' || task.failure?.reason === 'deadline_passed') continue
      const place = this.#placeOf(task.index)
      await this.#failDependents(place, { first: task.index, tasks: 1 }, rootOf(task, this.#steps[place]!))
    }
  }

  /** Tasks that wait for the one of the same item only. */
  async #releaseOneForOne(place: number, done: readonly StepMove[]): Promise<void> {
    const source = this.#steps[place]!
    const releases: Release[] = []
    for (const dependent of dependents(this.#job.spec, place)) {
      if (dependent.how !== 'each') continue
      for (const { task, report } of done) {
        const index = sameItem(source, dependent.step, task.index)
        const sources = [sourceOf(task, report)]
        const given = ownInputs(dependent.step, place, source, sources, { index, item: task.item })
        await this.#take(given, dependent.place, { first: index, tasks: 1 }, (inputs) =>
          releases.push({ jobId: this.#jobId, index, inputs }),
        )
      }
    }
    await this.#release(releases)
  }

  /** Steps that wait for all of this one, once all of it is done. */
  async #releaseDependents(place: number): Promise<void> {
    const source = this.#steps[place]!
    this.#tell('step.done', source, { tasks: source.tasks })
    for (const dependent of dependents(this.#job.spec, place)) {
      if (dependent.how === 'all') await this.#releaseStep(place, dependent.place)
    }
  }

  async #releaseStep(from: number, place: number): Promise<void> {
    const [source, step] = [this.#steps[from]!, this.#steps[place]!]
    const given = step.given.filter((each) => each.step === from)
    const sources = given.length > 0 ? await this.#sourcesOf(from) : []
    const shared = sharedInputs(step, from, source, sources)
    if (!shared.ok) return this.#fail(place, step, shared.failure)
    if (shared.inputs.length > 0) await this.#tx.jobs.steps.share(this.#jobId, place, shared.inputs)
    if (given.some((each) => !isShared(each))) return this.#releaseEach(from, place, sources)
    const queued = await this.#tx.jobs.steps.releaseSpan(this.#jobId, step, this.#at)
    this.#count(place, { ...NO_COUNTS, waiting: -queued })
    this.released += queued
  }

  /** All tasks of a step at once, each with inputs of its own. */
  async #releaseEach(from: number, place: number, sources: readonly SourceTask[]): Promise<void> {
    const [source, step] = [this.#steps[from]!, this.#steps[place]!]
    const releases: Release[] = []
    for await (const task of this.#tasksOf(step)) {
      const one = source.tasks === 1 ? sources[0]! : sources[task.index - step.first]!
      const given = ownInputs(step, from, source, [one], task)
      await this.#take(given, place, { first: task.index, tasks: 1 }, (inputs) =>
        releases.push({ jobId: this.#jobId, index: task.index, inputs }),
      )
    }
    await this.#release(releases)
  }

  async #release(releases: readonly Release[]): Promise<void> {
    const queued = await this.#tx.jobs.steps.release(releases, this.#at)
    for (const { index } of queued) this.#count(this.#placeOf(index), { ...NO_COUNTS, waiting: -1 })
    this.released += queued.length
  }

  async #take(
    given: GivenInputs,
    place: number,
    span: TaskSpan,
    release: (inputs: Release['inputs']) => void,
  ): Promise<void> {
    if (given.ok) release(given.inputs)
    else await this.#fail(place, span, given.failure)
  }

  /** Fails tasks that wait, and those that wait for them. */
  async #fail(place: number, span: TaskSpan, failure: Failure): Promise<void> {
    const end = { status: 'failed', failure, at: this.#at } as const
    const failed = await this.#tx.jobs.steps.endBlocked(this.#jobId, span, end)
    // Whoever failed before took those that wait for it along.
    if (failed === 0) return
    this.#count(place, { ...NO_COUNTS, waiting: -failed, queued: -failed, failed })
    const step = this.#steps[place]!
    this.#tell('step.failed', step, { tasks: failed, reason: failure.detail })
    const root = failure.reason === 'dependency_failed' ? failure.detail : `${nameOf(step, span)}: ${failure.detail}`
    await this.#failDependents(place, span, root)
  }

  async #failDependents(place: number, span: TaskSpan, root: string): Promise<void> {
    const source = this.#steps[place]!
    for (const { place: next, step, how } of dependents(this.#job.spec, place)) {
      const same = { first: sameItem(source, step, span.first), tasks: span.tasks }
      await this.#fail(next, how === 'each' ? same : step, { reason: 'dependency_failed', detail: root })
    }
  }

  /** What the tasks of a finished step left, in order. */
  async #sourcesOf(place: number): Promise<readonly SourceTask[]> {
    const known = this.#sources.get(place)
    if (known) return known
    const { first, tasks } = this.#steps[place]!
    const sources: SourceTask[] = []
    for (let after = first - 1; sources.length < tasks;) {
      const page = await this.#tx.jobs.listAgreed({ jobId: this.#jobId, after, limit: PAGE })
      for (const { task, attempt } of page) {
        if (task.acceptedAttemptId !== attempt.attemptId || task.index >= first + tasks) continue
        sources.push(sourceOf(task, attempt.report))
      }
      const last = page.at(-1)
      if (!last) break
      after = last.task.index
    }
    this.#sources.set(place, sources)
    return sources
  }

  async *#tasksOf({ first, tasks }: TaskSpan): AsyncGenerator<Task> {
    for (let after = first - 1; after < first + tasks - 1;) {
      const limit = Math.min(PAGE, first + tasks - 1 - after)
      const page = await this.#tx.jobs.listTasks({ jobId: this.#jobId, after, limit })
      if (page.length === 0) return
      yield* page
      after = page.at(-1)!.index
    }
  }

  #count(step: number, delta: Omit<StepDelta, 'jobId' | 'step'>): void {
    const { jobId } = this.#job
    const at = this.deltas.findIndex((each) => each.step === step)
    const known = this.deltas[at]
    if (!known) return void this.deltas.push({ jobId, step, ...delta })
    this.deltas[at] = { jobId, step, waiting: known.waiting + delta.waiting, ...sumCounts(known, delta) }
  }

  #tell(type: string, { name }: StepSpec, data: FogEvent['data']): void {
    const { accountId, jobId } = this.#job
    this.events.push({ type, at: this.#at, accountId, jobId, data: { step: name, ...data } })
  }

  #placeOf(index: number): number {
    return stepPlaceOf(this.#job.spec, index)!
  }

  get #jobId(): JobId {
    return this.#job.jobId
  }
}

function sourceOf({ index, item }: Task, report: Report | undefined): SourceTask {
  return { index, item, outputs: report?.outputs ?? [], stdout: report?.stdout }
}

/** How a failed task is named to those that wait for it. */
function rootOf(task: Task, step: StepSpec): string {
  return `${nameOf(step, { first: task.index, tasks: 1 })}${task.failure ? `: ${task.failure.reason}` : ''}`
}

function nameOf({ name, first, tasks }: StepSpec, span: TaskSpan): string {
  if (span.tasks > 1 || tasks === 1) return `step ${name}`
  return `task ${span.first - first} of step ${name}`
}
