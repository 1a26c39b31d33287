import { addJobCounts } from './add-job-counts.ts'
import { advanceSteps, type StepMove } from './advance-steps.ts'
import type { FogEvent, Transaction } from '../ports.ts'
import type { Platform } from '../platform.ts'
import type { Instant, JobId, NodeId, TaskId } from '@fog/kernel'
import {
  advanceTask,
  type Attempt,
  attemptsAfter,
  type CountDelta,
  failureSentence,
  type Ignored,
  isOpen,
  type Job,
  NO_COUNTS,
  type QueuedTask,
  sumCounts,
  type Task,
  type TaskEvent,
  taskRules,
  TRUSTED_FROM,
  type TaskStep,
  type TaskWithAttempts,
} from '@fog/scheduler'
import { type Noted, noteIncidents } from './note-incidents.ts'

export interface TaskChange {
  readonly taskId: TaskId
  readonly event: TaskEvent
}

/** What the caller has read already. */
export interface Known {
  /** Every task that changes, locked. */
  readonly locked?: readonly QueuedTask[]
  readonly jobs?: readonly Job[]
}

/** How agreeing and disagreeing with a quorum move a node's trust, of 1000. Distrust is quicker than trust. */
const TRUST_GAINED = 2
const TRUST_LOST = -200

/**
 * The one way a task changes. Takes what happened to any number of tasks and writes everything that follows: tasks,
 * attempts, freed reservations, the jobs' counts and ends, trust, and one event each, all in the caller's transaction.
 * Answers, for each change in the order given, why it was ignored, or undefined where it counted.
 */
export async function advanceTasks(
  { clock }: Pick<Platform, 'clock'>,
  tx: Transaction,
  changes: readonly TaskChange[],
  known: Known = {},
): Promise<(Ignored | undefined)[]> {
  const at = clock.now()
  const taskIds = [...new Set(changes.map(({ taskId }) => taskId))]
  const batch = new Batch(known.locked ?? (await tx.jobs.findTasksForUpdate(taskIds)))
  await batch.loadJobs(tx, known.jobs ?? known.locked?.map(({ job }) => job))
  const trusted = await trustedNodes(tx, batch)
  const ignored = changes.map((change) => batch.take(change, trusted, at))
  await batch.write(tx, at)
  return ignored
}

/** Trust counts only where a result is weighed against another, so most batches ask for nothing. */
async function trustedNodes(tx: Transaction, batch: Batch): Promise<Set<NodeId>> {
  const trusted = new Set<NodeId>()
  for (const { nodeId, trust } of await tx.nodes.findAll([...batch.weighedNodes()])) {
    if (trust >= TRUSTED_FROM) trusted.add(nodeId)
  }
  return trusted
}

/** The tasks of one transaction while they change. */
class Batch {
  readonly #tasks: Map<TaskId, TaskWithAttempts>
  readonly #jobs = new Map<JobId, Job>()
  readonly #changedTasks = new Map<TaskId, Task>()
  readonly #newAttempts = new Map<string, Attempt>()
  readonly #changedAttempts = new Map<string, Attempt>()
  readonly #freed: Attempt['attemptId'][] = []
  readonly #counts = new Map<JobId, CountDelta>()
  readonly #failures = new Map<JobId, string>()
  readonly #trust = new Map<NodeId, number>()
  readonly #events: FogEvent[] = []
  readonly #noted: Noted[] = []
  /** Of jobs with several steps. */
  readonly #moves: StepMove[] = []
  #wantsPlacement = false
  #wantsCancel = false

  constructor(found: readonly TaskWithAttempts[]) {
    this.#tasks = new Map(found.map((each) => [each.task.taskId, each]))
  }

  async loadJobs(tx: Transaction, known: readonly Job[] = []): Promise<void> {
    for (const job of known) this.#jobs.set(job.jobId, job)
    const wanted = new Set([...this.#tasks.values()].map(({ task }) => task.jobId))
    for (const job of await tx.jobs.findJobs([...wanted].filter((jobId) => !this.#jobs.has(jobId)))) {
      this.#jobs.set(job.jobId, job)
    }
  }

  weighedNodes(): Set<NodeId> {
    const weighed = [...this.#tasks.values()].filter(({ task }) => task.quorum > 1)
    return new Set(weighed.flatMap(({ attempts }) => attempts.map(({ nodeId }) => nodeId)))
  }

  take({ taskId, event }: TaskChange, trusted: ReadonlySet<NodeId>, at: Instant): Ignored | undefined {
    const found = this.#tasks.get(taskId)
    const job = found && this.#jobs.get(found.task.jobId)
    if (!found || !job) return 'unknown_attempt'
    const rules = taskRules(job.spec, (nodeId) => trusted.has(nodeId))
    const step = advanceTask(found.task, found.attempts, event, rules)
    // A placement that is not wanted still gives its reservation back.
    this.#freed.push(...step.freed)
    if (step.ignored) return step.ignored
    this.#tasks.set(taskId, { task: step.task, attempts: attemptsAfter(found.attempts, step.attempts) })
    this.#remember(found, step, event, job, at)
    return undefined
  }

  #remember(before: TaskWithAttempts, step: TaskStep, event: TaskEvent, job: Job, at: Instant): void {
    const { task } = step
    this.#changedTasks.set(task.taskId, task)
    const known = new Set<string>(before.attempts.map(({ attemptId }) => attemptId))
    for (const attempt of step.attempts) {
      const isNew = !known.has(attempt.attemptId) || this.#newAttempts.has(attempt.attemptId)
      ;(isNew ? this.#newAttempts : this.#changedAttempts).set(attempt.attemptId, attempt)
    }
    const soFar = this.#counts.get(task.jobId)
    this.#counts.set(task.jobId, {
      jobId: task.jobId,
      ...(soFar ? sumCounts(soFar, step.counts) : step.counts),
    })
    if (task.pending > 0 || step.freed.length > 0) this.#wantsPlacement = true
    if (step.attempts.some(isToldToStop)) this.#wantsCancel = true
    for (const attemptId of step.verdict?.dissent ?? []) this.#moveTrust(step, attemptId, TRUST_LOST)
    if (task.quorum > 1)
      for (const attemptId of step.verdict?.agreed ?? []) this.#moveTrust(step, attemptId, TRUST_GAINED)
    if (task.failure && !before.task.failure) this.#failures.set(task.jobId, failureSentence(task.failure))
    const told = eventOf(before.task, task, step, event)
    if (job.spec.steps && task.status !== before.task.status) this.#move(before.task, step, job)
    const { accountId } = job
    for (const incident of step.incidents ?? []) this.#noted.push({ incident, accountId, index: task.index })
    if (told) {
      this.#events.push({ at, accountId, jobId: task.jobId, taskId: task.taskId, ...told })
    }
  }

  #move({ status: from }: Task, { task }: TaskStep, job: Job): void {
    const attempts = this.#tasks.get(task.taskId)?.attempts ?? []
    const accepted = attempts.find(({ attemptId }) => attemptId === task.acceptedAttemptId)
    this.#moves.push({ job, task, from, report: accepted?.report })
  }

  #moveTrust(step: TaskStep, attemptId: string, delta: number): void {
    const attempts = this.#tasks.get(step.task.taskId)?.attempts ?? []
    const attempt = attempts.find((each) => each.attemptId === attemptId)
    if (attempt) this.#trust.set(attempt.nodeId, (this.#trust.get(attempt.nodeId) ?? 0) + delta)
  }

  async write(tx: Transaction, at: Instant): Promise<void> {
    if (this.#freed.length > 0) await tx.nodes.free(this.#freed)
    if (this.#changedTasks.size === 0) return
    await tx.jobs.saveTasks([...this.#changedTasks.values()])
    if (this.#newAttempts.size > 0) await tx.jobs.addAttempts([...this.#newAttempts.values()])
    if (this.#changedAttempts.size > 0) await tx.jobs.saveAttempts([...this.#changedAttempts.values()])
    if (this.#trust.size > 0) await tx.nodes.addTrust([...this.#trust].map(([nodeId, delta]) => ({ nodeId, delta })))
    await this.#releaseState(tx)
    await this.#writeSteps(tx, at)
    this.#events.push(...(await addJobCounts(tx, [...this.#counts.values()], this.#failures, at)))
    await tx.events.append(this.#events)
    await noteIncidents(tx, this.#noted, at)
    tx.wake('events')
    if (this.#wantsPlacement) tx.wake('place')
    if (this.#wantsCancel) tx.wake('cancel')
  }

  /** What tasks left in `/state` is of use only until they end. */
  async #releaseState(tx: Transaction): Promise<void> {
    const over = [...this.#changedTasks.values()].filter((task) => !isOpen(task)).map(({ taskId }) => taskId)
    const left = over.filter((taskId) => this.#tasks.get(taskId)?.attempts.some(({ checkpoint }) => checkpoint))
    if (left.length > 0) await tx.checkpoints.release(left)
  }

  /** Tasks that waited for those that ended: queued now, or failed with them. */
  async #writeSteps(tx: Transaction, at: Instant): Promise<void> {
    const { counts, released, events } = await advanceSteps(tx, this.#moves, at)
    for (const { jobId, ...delta } of counts) {
      this.#counts.set(jobId, { jobId, ...sumCounts(this.#counts.get(jobId) ?? NO_COUNTS, delta) })
    }
    if (released > 0) this.#wantsPlacement = true
    this.#events.push(...events)
  }
}

/** Its node still works on it, or has to be asked to make room. */
function isToldToStop({ status, yieldBy }: Attempt): boolean {
  return status === 'cancelled' || status === 'preempted' || yieldBy !== undefined
}

/** What the feed says of a step, if anything. */
function eventOf(
  before: Task,
  after: Task,
  { attempts }: TaskStep,
  event: TaskEvent,
): { type: string; nodeId?: NodeId; data: FogEvent['data'] } | undefined {
  const { index } = after
  const nodeId = attempts[0]?.nodeId
  const where = nodeId === undefined ? {} : { nodeId }
  if (after.status === 'done') return { type: 'task.done', ...where, data: { index } }
  if (after.status === 'failed') {
    return { type: 'task.failed', ...where, data: { index, reason: after.failure?.reason ?? 'unknown' } }
  }
  if (after.status === 'cancelled') return { type: 'task.cancelled', data: { index } }
  if (attempts[0]?.status === 'preempted') {
    return { type: 'task.preempted', ...where, data: { index, why: attempts[0].note ?? '' } }
  }
  switch (event.type) {
    case 'placed':
      return { type: 'task.placed', ...where, data: { index, fence: event.attempt.fence } }
    case 'started':
      return { type: 'task.started', ...where, data: { index } }
    case 'lost':
      return { type: 'task.requeued', ...where, data: { index, why: event.why } }
    case 'returned':
      return { type: 'task.requeued', ...where, data: { index, why: event.reason } }
    case 'yielding':
      return { type: 'task.yielding', ...where, data: { index, why: event.why } }
    default:
      return before.status === after.status ? undefined : { type: 'task.started', ...where, data: { index } }
  }
}
