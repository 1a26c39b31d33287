import type { AttemptId, Instant, NodeId } from '@fog/kernel'
import { assertNever } from '@fog/kernel'
import type { JobSpec, TaskCounts } from './job.ts'
import type { Verdict } from './judge.ts'
import { isReported, judge } from './judge.ts'
import { countChange, hasVoice, isLive, isOpen } from './states.ts'
import type { Attempt, Failure, FailureReason, Report, Task, TaskStatus } from './task.ts'
import { TIER_TERMS } from './tier.ts'
import { type Incident, incidentsOf, type Promises, promisesOf } from './tiers/incidents.ts'

/** What happens to a task. `jitter` is uniform in [0, 1) and kept with the event, so that a replay backs off alike. */
export type TaskEvent =
  | { readonly type: 'placed'; readonly attempt: Attempt }
  | { readonly type: 'started'; readonly attemptId: AttemptId; readonly fence: number; readonly at: Instant }
  | {
      readonly type: 'reported'
      readonly attemptId: AttemptId
      readonly fence: number
      readonly report: Report
      readonly at: Instant
      /** Wanted where failures of the program are tried again. */
      readonly jitter?: number | undefined
    }
  | {
      readonly type: 'lost'
      readonly attemptId: AttemptId
      readonly at: Instant
      readonly why: string
      readonly jitter: number
    }
  | {
      readonly type: 'returned'
      readonly attemptId: AttemptId
      readonly fence: number
      readonly at: Instant
      readonly reason: string
      readonly jitter: number
    }
  /** A task of a better tier wants its room; until `by` it may still keep what it has, or end. */
  | {
      readonly type: 'yielding'
      readonly attemptId: AttemptId
      readonly at: Instant
      readonly by: Instant
      readonly why: string
    }
  /** A task of a better tier takes its room. */
  | { readonly type: 'preempted'; readonly attemptId: AttemptId; readonly at: Instant; readonly why: string }
  | { readonly type: 'cancelled'; readonly at: Instant }
  /** It is ended from outside and counts as failed, as when its deadline passed. */
  | { readonly type: 'stopped'; readonly at: Instant; readonly failure: Failure }

/** Why an event changed nothing. */
export type Ignored =
  /** The task ended before. */
  | 'task_over'
  /** No placement is wanted now. */
  | 'not_wanted'
  /** It happened already. */
  | 'repeated'
  /** The fencing token is not that of the attempt, or not the next one for a placement. */
  | 'wrong_fence'
  /** The node or its owner already works, or has reported, on this task. */
  | 'not_distinct'
  | 'unknown_attempt'
  /** The attempt no longer holds its lease. */
  | 'no_lease'

export interface TaskRules {
  /** A task fails when this many attempts were lost or returned. Replicas for a quorum come on top. */
  readonly maxAttempts: number
  /** Failures of the program itself that are tried again, as often as lost attempts are. */
  readonly retryOn?: readonly FailureReason[] | undefined
  /** Replicas beyond the quorum that a disagreement may cost. */
  readonly extraReplicas: number
  /** The first back-off; each further one doubles, up to the longest. */
  readonly backoffMs: number
  readonly longestBackoffMs: number
  isTrusted(nodeId: NodeId): boolean
  /** What the job's tier promises; without them nothing is a breach. */
  readonly promises?: Promises | undefined
}

/** The task after an event, and what follows from it. */
export interface TaskStep {
  readonly task: Task
  /** The attempts that are new or changed, the event's own first; those now `cancelled` should be stopped on their nodes. */
  readonly attempts: readonly Attempt[]
  /** Attempts that gave up their lease: their reservations are free again. Each is named once in its life. */
  readonly freed: readonly AttemptId[]
  /** To add to the job's counts. */
  readonly counts: TaskCounts
  /** Present when reports ended the task. */
  readonly verdict?: Verdict | undefined
  /** Restarts and broken promises that this event brought to light; present when there are any. */
  readonly incidents?: readonly Incident[] | undefined
  /** Present when nothing changed. */
  readonly ignored?: Ignored | undefined
}

/** From this much trust on, of 1000, a node's result counts against the program rather than against the node. */
export const TRUSTED_FROM = 600

export const DEFAULT_BACKOFF = { backoffMs: 500, longestBackoffMs: 60_000 }

/** The rules for the tasks of a job. A tier that promises a restart never backs off for more than a quarter of that time: half of it is for noticing the loss. */
export function taskRules(spec: JobSpec, isTrusted: (nodeId: NodeId) => boolean): TaskRules {
  const { restartMs } = TIER_TERMS[spec.tier]
  return {
    maxAttempts: spec.maxAttempts,
    retryOn: spec.retryOn,
    extraReplicas: 1,
    backoffMs: DEFAULT_BACKOFF.backoffMs,
    longestBackoffMs: Math.min(DEFAULT_BACKOFF.longestBackoffMs, (restartMs ?? Infinity) / 4),
    isTrusted,
    promises: promisesOf(spec),
  }
}

/**
 * The whole life of a task. Workers repeat themselves and come late, so an event without the live lease changes nothing
 * and says so in `ignored`. `attempts` are all the task had.
 */
export function advanceTask(task: Task, attempts: readonly Attempt[], event: TaskEvent, rules: TaskRules): TaskStep {
  const next = stepOf(task, attempts, event, rules)
  if (next.ignored || !rules.promises) return next
  const incidents = incidentsOf({ task, attempts }, next, rules.promises)
  return incidents.length > 0 ? { ...next, incidents } : next
}

function stepOf(task: Task, attempts: readonly Attempt[], event: TaskEvent, rules: TaskRules): TaskStep {
  switch (event.type) {
    case 'placed':
      return place(task, attempts, event.attempt)
    case 'started':
      return withLease(task, attempts, event, (attempt) => {
        if (attempt.status === 'running') return ignore(task, 'repeated')
        const started: Attempt = { ...attempt, status: 'running', startedAt: event.at }
        return step(task, attempts, [started], { startedAt: task.startedAt ?? event.at })
      })
    case 'reported':
      return withLease(task, attempts, event, (attempt) => {
        const startedAt = attempt.startedAt ?? startOf(attempt, event)
        const { report, at } = event
        const again = retryOf(attempts, report, rules)
        if (again !== undefined) {
          const returned: Attempt = { ...attempt, status: 'returned', report, startedAt, endedAt: at, note: again }
          const later = backOff(task, attempts, { at, jitter: event.jitter ?? 0 }, rules)
          return weigh({ ...later, startedAt: task.startedAt ?? startedAt }, task, attempts, returned, at, rules)
        }
        const reported: Attempt = { ...attempt, status: 'reported', report, startedAt, endedAt: at }
        return weigh({ ...task, startedAt: task.startedAt ?? startedAt }, task, attempts, reported, at, rules)
      })
    case 'lost':
      return withLease(task, attempts, event, (attempt) => {
        if (attempt.yieldBy !== undefined) return preempt(task, attempts, attempt, event, rules)
        const lost: Attempt = { ...attempt, status: 'lost', endedAt: event.at, note: event.why }
        return weigh(backOff(task, attempts, event, rules), task, attempts, lost, event.at, rules)
      })
    case 'returned':
      return withLease(task, attempts, event, (attempt) => {
        if (attempt.yieldBy !== undefined) {
          return preempt(task, attempts, attempt, { at: event.at, why: event.reason }, rules)
        }
        const returned: Attempt = { ...attempt, status: 'returned', endedAt: event.at, note: event.reason }
        return weigh(backOff(task, attempts, event, rules), task, attempts, returned, event.at, rules)
      })
    case 'yielding':
      return withLease(task, attempts, event, (attempt) => {
        if (attempt.yieldBy !== undefined) return ignore(task, 'repeated')
        return step(task, attempts, [{ ...attempt, yieldBy: event.by, note: event.why }], {})
      })
    case 'preempted':
      return withLease(task, attempts, event, (attempt) =>
        preempt(task, attempts, attempt, { at: event.at, why: event.why }, rules),
      )
    case 'cancelled':
      if (!isOpen(task)) return ignore(task, 'task_over')
      return end(task, attempts, [], { status: 'cancelled', finishedAt: event.at }, 'the job was cancelled')
    case 'stopped': {
      if (!isOpen(task)) return ignore(task, 'task_over')
      const { at: finishedAt, failure } = event
      return end(task, attempts, [], { status: 'failed', failure, finishedAt }, 'the task was stopped')
    }
    default:
      return assertNever(event)
  }
}

/** Why a failed run is tried again rather than counted; undefined when it counts, as the last one that is allowed does. */
function retryOf(attempts: readonly Attempt[], { outcome }: Report, rules: TaskRules): string | undefined {
  if (outcome.ok || !rules.retryOn?.includes(outcome.failure.reason)) return undefined
  if (countWasted(attempts) + 1 >= rules.maxAttempts) return undefined
  const { reason, detail } = outcome.failure
  return `${reason}${detail ? ` (${detail})` : ''}, tried again`
}

/** Attempts that came to nothing. Ten that were given back, but left a checkpoint, count as one: the task comes on with each. */
function countWasted(attempts: readonly Attempt[]): number {
  const wasted = attempts.filter(({ status }) => status === 'lost' || status === 'returned')
  const further = wasted.filter(({ status, checkpoint }) => status === 'returned' && checkpoint !== undefined)
  return wasted.length - further.length + Math.floor(further.length / 10)
}

/** The task waits for its turn again at once: it did nothing wrong, so nothing counts against it. */
function preempt(
  task: Task,
  attempts: readonly Attempt[],
  attempt: Attempt,
  { at, why }: { readonly at: Instant; readonly why: string },
  rules: TaskRules,
): TaskStep {
  const preempted: Attempt = { ...attempt, status: 'preempted', endedAt: at, note: attempt.note ?? why }
  return weigh(task, task, attempts, preempted, at, rules)
}

/** All attempts of a task once a step was taken, by fence. */
export function attemptsAfter(attempts: readonly Attempt[], changed: readonly Attempt[]): Attempt[] {
  const byId = new Map(attempts.map((attempt) => [attempt.attemptId, attempt]))
  for (const attempt of changed) byId.set(attempt.attemptId, attempt)
  return [...byId.values()].sort((a, b) => a.fence - b.fence)
}

function place(task: Task, attempts: readonly Attempt[], attempt: Attempt): TaskStep {
  if (attempts.some(({ attemptId }) => attemptId === attempt.attemptId)) return ignore(task, 'repeated')
  // The reservation was made for nothing: it is given back.
  const refuse = (why: Ignored): TaskStep => ({ ...ignore(task, why), freed: [attempt.attemptId] })
  if (!isOpen(task)) return refuse('task_over')
  if (task.pending < 1) return refuse('not_wanted')
  if (attempt.fence !== task.attempts + 1) return refuse('wrong_fence')
  const voices = attempts.filter(hasVoice)
  if (voices.some(({ nodeId, ownerId }) => nodeId === attempt.nodeId || ownerId === attempt.ownerId)) {
    return refuse('not_distinct')
  }
  const leased: Attempt = { ...attempt, status: 'leased' }
  return step(task, attempts, [leased], { pending: task.pending - 1, attempts: attempt.fence })
}

function withLease(
  task: Task,
  attempts: readonly Attempt[],
  event: { readonly attemptId: AttemptId; readonly fence?: number },
  then: (attempt: Attempt) => TaskStep,
): TaskStep {
  const attempt = attempts.find(({ attemptId }) => attemptId === event.attemptId)
  if (!attempt) return ignore(task, 'unknown_attempt')
  if (event.fence !== undefined && event.fence !== attempt.fence) return ignore(task, 'wrong_fence')
  if (!isOpen(task)) return ignore(task, 'task_over')
  if (!isLive(attempt)) return ignore(task, 'no_lease')
  return then(attempt)
}

/** What the reports say once one attempt ended: the task is over, or so many placements are wanted again. */
function weigh(
  next: Task,
  before: Task,
  attempts: readonly Attempt[],
  ended: Attempt,
  at: Instant,
  rules: TaskRules,
): TaskStep {
  const all = attemptsAfter(attempts, [ended])
  const judgement = judge(all.filter(isReported), {
    quorum: before.quorum,
    extraReplicas: rules.extraReplicas,
    isTrusted: (nodeId) => rules.isTrusted(nodeId),
  })
  if (judgement.kind !== 'wait') return conclude(next, before, attempts, ended, at, judgement)
  const pending = Math.max(0, judgement.more - all.filter(isLive).length)
  const wasted = countWasted(all)
  if (pending > 0 && wasted >= rules.maxAttempts) {
    const failure = exhausted(all, wasted)
    return end(before, attempts, [ended], { ...next, status: 'failed', failure, finishedAt: at }, 'the task failed')
  }
  return step(before, attempts, [ended], { ...next, pending })
}

function conclude(
  next: Task,
  before: Task,
  attempts: readonly Attempt[],
  ended: Attempt,
  at: Instant,
  verdict: Verdict,
): TaskStep {
  const dissent = new Set(verdict.dissent)
  const note = `${verdict.agreed.length} other nodes agreed on another result`
  const others = attempts.filter(({ attemptId }) => attemptId !== ended.attemptId && dissent.has(attemptId))
  const changed = [ended, ...others].map((each) => (dissent.has(each.attemptId) ? { ...each, note } : each))
  const over = { ...next, finishedAt: at, acceptedAttemptId: verdict.agreed[0] }
  const part =
    verdict.kind === 'done'
      ? { ...over, status: 'done' as const }
      : { ...over, status: 'failed' as const, failure: verdict.failure }
  return { ...end(before, attempts, changed, part, 'the result was decided without it'), verdict }
}

/** The step that ends a task: nothing is wanted any more, and whoever still works is told to stop. */
function end(
  task: Task,
  attempts: readonly Attempt[],
  changed: readonly Attempt[],
  part: Partial<Task> & { readonly status: TaskStatus; readonly finishedAt: Instant },
  note: string,
): TaskStep {
  const stopped = attemptsAfter(attempts, changed)
    .filter(isLive)
    .map((attempt): Attempt => ({ ...attempt, status: 'cancelled', endedAt: part.finishedAt, note }))
  return step(task, attempts, [...changed, ...stopped], { ...part, pending: 0 })
}

function step(task: Task, before: readonly Attempt[], changed: readonly Attempt[], part: Partial<Task>): TaskStep {
  const all = attemptsAfter(before, changed)
  const next: Task = { ...task, ...part, status: statusOf(part.status ?? task.status, all) }
  const wasLive = new Set(before.filter(isLive).map(({ attemptId }) => attemptId))
  const freed = changed.filter((attempt) => wasLive.has(attempt.attemptId) && !isLive(attempt))
  return {
    task: next,
    attempts: changed,
    freed: freed.map(({ attemptId }) => attemptId),
    counts: countChange(task.status, next.status),
  }
}

/** An open task is running once a node has begun and what it did still counts; else it is queued. */
function statusOf(status: TaskStatus, attempts: readonly Attempt[]): TaskStatus {
  if (status !== 'queued' && status !== 'running') return status
  return attempts.some((attempt) => attempt.status === 'running' || attempt.status === 'reported')
    ? 'running'
    : 'queued'
}

function ignore(task: Task, ignored: Ignored): TaskStep {
  return { task, attempts: [], freed: [], counts: countChange(task.status, task.status), ignored }
}

/** When the word that it started was lost on the way, the report tells. */
function startOf(attempt: Attempt, { report, at }: { readonly report: Report; readonly at: Instant }): Instant {
  return Math.min(at, Math.max(attempt.leasedAt, Math.round(at - report.wallMs)))
}

function backOff(
  task: Task,
  attempts: readonly Attempt[],
  { at, jitter }: { readonly at: Instant; readonly jitter: number },
  rules: TaskRules,
): Task {
  const earlier = countWasted(attempts)
  const full = Math.min(rules.longestBackoffMs, rules.backoffMs * 2 ** Math.min(earlier, 30))
  // Between half and all of it, so that the tasks of one lost node do not come back in one moment.
  return { ...task, notBefore: Math.max(task.notBefore, at + Math.round(full * (0.5 + jitter / 2))) }
}

function exhausted(attempts: readonly Attempt[], wasted: number): Failure {
  const last = attempts.findLast(({ status }) => status === 'lost' || status === 'returned')
  return { reason: 'attempts_exhausted', detail: `${wasted} attempts, the last: ${last?.note ?? 'lost'}` }
}
