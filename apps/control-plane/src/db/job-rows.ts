import { amount } from '@fog/kernel'
import type {
  Attempt,
  CheckpointedWork,
  CheckpointMark,
  CountDelta,
  Heard,
  Job,
  JobSpec,
  Report,
  Resumed,
  StepSpec,
  Task,
  TaskLimits,
} from '@fog/scheduler'
import type { RowShape } from './rows.ts'
import type { AttemptRow, JobRow, TaskRow } from './tables.ts'

/** How jobs, tasks and attempts become rows, and rows become them. */

export const JOB: RowShape<Job> = {
  job_id: ['text', (job) => job.jobId],
  account_id: ['text', (job) => job.accountId],
  submitted_by: ['text', (job) => job.submittedBy],
  spec: ['json', (job) => job.spec],
  tasks: ['int4', (job) => job.tasks],
  queued: ['int4', (job) => job.counts.queued],
  running: ['int4', (job) => job.counts.running],
  done: ['int4', (job) => job.counts.done],
  failed: ['int4', (job) => job.counts.failed],
  cancelled: ['int4', (job) => job.counts.cancelled],
  status: ['text', (job) => job.status],
  hold_id: ['text', (job) => job.holdId],
  price_cap: ['numeric', (job) => job.priceCap],
  task_price_cap: ['numeric', (job) => job.taskPriceCap],
  units_per_gigafuel: ['numeric', (job) => job.unitsPerGigafuel],
  fee_basis_points: ['int4', (job) => job.feeBasisPoints],
  settled: ['bool', (job) => job.settled],
  cost: ['numeric', (job) => job.cost],
  credit: ['numeric', (job) => job.credit],
  credit_paid: ['numeric', (job) => job.creditPaid],
  failure: ['text', (job) => job.failure],
  submitted_at: ['int8', (job) => job.submittedAt],
  deadline_at: ['int8', (job) => job.deadlineAt],
  started_at: ['int8', (job) => job.startedAt],
  finished_at: ['int8', (job) => job.finishedAt],
}

/** Without `tier_rank` and `deadline_at`, which come of the job. */
export const TASK: RowShape<Task> = {
  task_id: ['text', (task) => task.taskId],
  job_id: ['text', (task) => task.jobId],
  task_index: ['int4', (task) => task.index],
  item: ['text', (task) => task.item],
  inputs: ['json', (task) => task.inputs],
  status: ['text', (task) => task.status],
  quorum: ['int4', (task) => task.quorum],
  pending: ['int4', (task) => task.pending],
  blocked_by: ['int4', (task) => task.blockedBy ?? 0],
  attempts: ['int4', (task) => task.attempts],
  not_before: ['int8', (task) => task.notBefore],
  queued_at: ['int8', (task) => task.queuedAt],
  started_at: ['int8', (task) => task.startedAt],
  finished_at: ['int8', (task) => task.finishedAt],
  accepted_attempt_id: ['text', (task) => task.acceptedAttemptId],
  failure: ['json', (task) => task.failure],
}

/** Without `gateway_id`, which `markDispatched` sets and saving leaves. */
export const ATTEMPT: RowShape<Attempt> = {
  attempt_id: ['text', (attempt) => attempt.attemptId],
  task_id: ['text', (attempt) => attempt.taskId],
  job_id: ['text', (attempt) => attempt.jobId],
  node_id: ['text', (attempt) => attempt.nodeId],
  owner_id: ['text', (attempt) => attempt.ownerId],
  fence: ['int4', (attempt) => attempt.fence],
  status: ['text', (attempt) => attempt.status],
  leased_at: ['int8', (attempt) => attempt.leasedAt],
  lease_expires_at: ['int8', (attempt) => attempt.leaseExpiresAt],
  lease_ms: ['int4', (attempt) => attempt.leaseMs],
  yield_by: ['int8', (attempt) => attempt.yieldBy],
  started_at: ['int8', (attempt) => attempt.startedAt],
  ended_at: ['int8', (attempt) => attempt.endedAt],
  report: ['json', (attempt) => attempt.report],
  resumed_from: ['json', (attempt) => attempt.resumedFrom],
  checkpoint: ['json', (attempt) => attempt.checkpoint],
  note: ['text', (attempt) => attempt.note],
}

export const DELTA: RowShape<CountDelta> = {
  job_id: ['text', (delta) => delta.jobId],
  queued: ['int4', (delta) => delta.queued],
  running: ['int4', (delta) => delta.running],
  done: ['int4', (delta) => delta.done],
  failed: ['int4', (delta) => delta.failed],
  cancelled: ['int4', (delta) => delta.cancelled],
}

export const HEARD: RowShape<Heard> = {
  attempt_id: ['text', (heard) => heard.attemptId],
  at: ['int8', (heard) => heard.at],
}

/** What is not saved of a task: it never changes once the task is in the queue. */
export const TASK_KEYS = ['task_id', 'job_id', 'task_index', 'item', 'inputs', 'queued_at', 'blocked_by']
export const ATTEMPT_KEYS = ['attempt_id', 'task_id', 'job_id', 'node_id', 'owner_id', 'fence', 'leased_at', 'lease_ms']
export const JOB_KEYS = [
  'job_id',
  'account_id',
  'submitted_by',
  'spec',
  'hold_id',
  'submitted_at',
  'deadline_at',
  'fee_basis_points',
]

export function toJob(row: JobRow): Job {
  const { queued, running, done, failed, cancelled } = row
  return {
    jobId: row.job_id,
    accountId: row.account_id,
    submittedBy: row.submitted_by,
    spec: toSpec(row.spec),
    tasks: row.tasks,
    counts: { queued, running, done, failed, cancelled },
    status: row.status,
    holdId: row.hold_id,
    priceCap: amount(row.price_cap),
    taskPriceCap: amount(row.task_price_cap),
    unitsPerGigafuel: amount(row.units_per_gigafuel),
    feeBasisPoints: row.fee_basis_points ?? undefined,
    settled: row.settled,
    cost: row.cost === null ? undefined : amount(row.cost),
    credit: row.credit === null ? undefined : amount(row.credit),
    creditPaid: row.credit_paid === null ? undefined : amount(row.credit_paid),
    failure: row.failure ?? undefined,
    submittedAt: row.submitted_at,
    deadlineAt: row.deadline_at ?? undefined,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
  }
}

export function toTask(row: TaskRow): Task {
  return {
    taskId: row.task_id,
    jobId: row.job_id,
    index: row.task_index,
    item: row.item,
    inputs: row.inputs,
    status: row.status,
    quorum: row.quorum,
    pending: row.pending,
    blockedBy: row.blocked_by === 0 ? undefined : row.blocked_by,
    attempts: row.attempts,
    notBefore: row.not_before,
    queuedAt: row.queued_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    acceptedAttemptId: row.accepted_attempt_id ?? undefined,
    failure: row.failure ?? undefined,
  }
}

export function toAttempt(row: AttemptRow): Attempt {
  return {
    attemptId: row.attempt_id,
    taskId: row.task_id,
    jobId: row.job_id,
    nodeId: row.node_id,
    ownerId: row.owner_id,
    fence: row.fence,
    status: row.status,
    leasedAt: row.leased_at,
    leaseExpiresAt: row.lease_expires_at,
    leaseMs: row.lease_ms ?? undefined,
    yieldBy: row.yield_by ?? undefined,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    report: row.report === null ? undefined : toReport(row.report),
    resumedFrom: row.resumed_from === null ? undefined : withWork(row.resumed_from as KeptResumed),
    checkpoint: row.checkpoint === null ? undefined : withOwnFuel(row.checkpoint as KeptMark),
    note: row.note ?? undefined,
  }
}

/** Written by this store and nobody else, so its form is known; only the fuel has to become a big integer again. */
function toSpec(document: unknown): JobSpec {
  const spec = document as Omit<JobSpec, 'limits' | 'steps'> & KeptLimits & { readonly steps?: KeptSteps }
  const { steps, ...own } = withFuel(spec)
  return steps === undefined ? own : { ...own, steps: steps.map(withFuel) }
}

function withFuel<Spec extends KeptLimits>(spec: Spec): Omit<Spec, 'limits'> & { readonly limits: TaskLimits } {
  return { ...spec, limits: { ...spec.limits, fuel: BigInt(spec.limits.fuel) } }
}

type KeptLimits = { readonly limits: Omit<TaskLimits, 'fuel'> & KeptFuel }
type KeptSteps = readonly (Omit<StepSpec, 'limits'> & KeptLimits)[]

function toReport(document: unknown): Report {
  const report = document as Omit<Report, 'fuel'> & KeptFuel
  return { ...report, fuel: BigInt(report.fuel) }
}

/** Whose work is in a checkpoint, with its fuel as a big integer again. */
export function withWork<Of extends { readonly work: readonly KeptWork[] }>(document: Of) {
  return { ...document, work: document.work.map(withOwnFuel) }
}

function withOwnFuel<Of extends KeptFuel>(document: Of): Omit<Of, 'fuel'> & { readonly fuel: bigint } {
  return { ...document, fuel: BigInt(document.fuel) }
}

export type KeptWork = Omit<CheckpointedWork, 'fuel'> & KeptFuel
type KeptResumed = Omit<Resumed, 'work'> & { readonly work: readonly KeptWork[] }
type KeptMark = Omit<CheckpointMark, 'fuel'> & KeptFuel

/** JSON has no big integers: see `toJson`. */
interface KeptFuel {
  readonly fuel: string
}
