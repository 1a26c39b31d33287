import { amount } from '@fog/kernel'
import type { Attempt, CountDelta, Job, JobSpec, Report, Task, TaskLimits } from '@fog/scheduler'
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
  settled: ['bool', (job) => job.settled],
  cost: ['numeric', (job) => job.cost],
  failure: ['text', (job) => job.failure],
  submitted_at: ['int8', (job) => job.submittedAt],
  started_at: ['int8', (job) => job.startedAt],
  finished_at: ['int8', (job) => job.finishedAt],
}

/** Without `tier_rank`, which comes of the job. */
export const TASK: RowShape<Task> = {
  task_id: ['text', (task) => task.taskId],
  job_id: ['text', (task) => task.jobId],
  task_index: ['int4', (task) => task.index],
  item: ['text', (task) => task.item],
  inputs: ['json', (task) => task.inputs],
  status: ['text', (task) => task.status],
  quorum: ['int4', (task) => task.quorum],
  pending: ['int4', (task) => task.pending],
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
  started_at: ['int8', (attempt) => attempt.startedAt],
  ended_at: ['int8', (attempt) => attempt.endedAt],
  report: ['json', (attempt) => attempt.report],
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

/** What is saved of a task; the rest of it never changes. */
export const TASK_KEYS = ['task_id', 'job_id', 'task_index', 'item', 'inputs', 'queued_at']
export const ATTEMPT_KEYS = ['attempt_id', 'task_id', 'job_id', 'node_id', 'owner_id', 'fence', 'leased_at']
export const JOB_KEYS = ['job_id', 'account_id', 'submitted_by', 'spec', 'hold_id', 'submitted_at']

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
    settled: row.settled,
    cost: row.cost === null ? undefined : amount(row.cost),
    failure: row.failure ?? undefined,
    submittedAt: row.submitted_at,
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
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    report: row.report === null ? undefined : toReport(row.report),
    note: row.note ?? undefined,
  }
}

/** Written by this store and nobody else, so its form is known; only the fuel has to become a big integer again. */
function toSpec(document: unknown): JobSpec {
  const spec = document as Omit<JobSpec, 'limits'> & { readonly limits: Omit<TaskLimits, 'fuel'> & KeptFuel }
  return { ...spec, limits: { ...spec.limits, fuel: BigInt(spec.limits.fuel) } }
}

function toReport(document: unknown): Report {
  const report = document as Omit<Report, 'fuel'> & KeptFuel
  return { ...report, fuel: BigInt(report.fuel) }
}

/** JSON has no big integers: see `toJson`. */
interface KeptFuel {
  readonly fuel: string
}
