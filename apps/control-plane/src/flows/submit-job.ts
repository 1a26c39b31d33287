import type { JobSubmission } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type AccountId, amount, type Amount, formatTokens, newId, type UserId } from '@fog/kernel'
import { type Job, type JobStep, NO_COUNTS, SchedulerError, spotCheck, type Task } from '@fog/scheduler'
import { Ledger } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import type { Transaction } from '../ports.ts'
import { JobError } from './job-error.ts'
import { type PreparedJob, prepareSubmission } from './prepare-job.ts'
import { daySince, effectiveQuota, quotaFaults } from './quota.ts'
import { refuseInTheOpen } from './secrecy.ts'

export interface Submitter {
  readonly userId: UserId
  readonly accountId: AccountId
}

/**
 * Takes a job in. All that could be wrong with it is said here, before it costs anything; the price is held before the
 * job is queued, so a queued job can always be paid for. `reach` is how the submission came: a secret one throws
 * `job.needs_mixnet` unless it came through the mixnet.
 */
export async function submitJob(
  platform: Platform,
  submitter: Submitter,
  submission: JobSubmission,
  reach: Reach = 'direct',
): Promise<Job> {
  refuseInTheOpen(submission, reach)
  const prepared = await prepareSubmission(platform, submitter.accountId, submission, reach)
  refuseImpossible(prepared)
  return platform.database.transact((tx) => queueJob(platform, tx, submitter, prepared))
}

export function refuseImpossible({ refusals }: PreparedJob): void {
  if (refusals.length === 0) return
  const why = refusals.map(({ sentence }) => sentence).join(' ')
  throw new SchedulerError({ code: 'job.refused', refusals, why })
}

/** Queues a job that was looked at, in the caller's transaction. Throws, for the caller to take back, what it may not have. */
export async function queueJob(
  platform: Platform,
  tx: Transaction,
  { userId, accountId }: Submitter,
  prepared: PreparedJob,
): Promise<Job> {
  const { clock, rng, config } = platform
  const own = await tx.quotas.lock(accountId)
  const at = clock.now()
  const quota = effectiveQuota(own, config.limits)
  const usage = await tx.jobs.usageOf(accountId, daySince(quota, at))
  const { spec, deadlineAt, parts } = prepared
  const jobId = newId('job', at, rng)
  const { tasks, priceCap } = drawTasks(platform, prepared, jobId, at)
  const adds = { tasks: tasks.length, cpuMilli: spec.limits.cpuMilli, priceCap }
  const [fault] = quotaFaults(quota, usage, adds)
  if (fault) throw fault
  refuseOverBudget(priceCap, prepared.budget)
  const holdId = newId('hold', at, rng)
  const job: Job = {
    jobId,
    accountId,
    submittedBy: userId,
    spec,
    tasks: tasks.length,
    counts: { ...NO_COUNTS, queued: tasks.length },
    status: 'queued',
    holdId,
    priceCap,
    taskPriceCap: parts.map(({ perResult }) => perResult).reduce((a, b) => (a > b ? a : b)),
    unitsPerGigafuel: config.prices.unitsPerGigafuel,
    feeBasisPoints: Number(config.prices.feeBasisPoints),
    settled: false,
    submittedAt: at,
    deadlineAt,
  }
  await tx.jobs.addJob(job, tasks, stepsOf(job))
  const data = { name: spec.name, tasks: tasks.length }
  await tx.events.append([{ type: 'job.queued', at, accountId, jobId, data }])
  tx.wake('place')
  tx.wake('events')
  // Last, because the ledger's lock is one for all.
  const ledger = new Ledger({ store: tx.ledger, clock })
  const held = await ledger.hold({ holdId, accountId, amount: priceCap, reference: jobId })
  if (!held.ok) throw unaffordable(priceCap, held.available)
  return job
}

/** The tasks, each with how many results must agree, and what they cost at most. Those that need others wait. */
function drawTasks(
  { rng }: Platform,
  { tasks, parts, spec }: PreparedJob,
  jobId: Job['jobId'],
  at: number,
): { tasks: Task[]; priceCap: Amount } {
  let cap = 0n
  let index = 0
  const drawn: Task[] = []
  for (const [place, part] of parts.entries()) {
    const blockedBy = spec.steps?.[place]?.needs.length ?? 0
    for (let i = 0; i < part.tasks; i += 1, index += 1) {
      const quorum = spotCheck(part.spec, part.owners, rng)
      cap += part.perResult * BigInt(quorum)
      drawn.push({
        taskId: newId('task', at, rng),
        jobId,
        index,
        ...tasks[index]!,
        status: 'queued',
        quorum,
        pending: blockedBy > 0 ? 0 : quorum,
        ...(blockedBy > 0 && { blockedBy }),
        attempts: 0,
        notBefore: at,
        queuedAt: at,
      })
    }
  }
  return { tasks: drawn, priceCap: amount(cap) }
}

function stepsOf({ jobId, spec }: Job): JobStep[] {
  return (spec.steps ?? []).map(({ tasks, needs }, step) => ({
    jobId,
    step,
    waiting: needs.length > 0 ? tasks : 0,
    counts: { ...NO_COUNTS, queued: tasks },
    inputs: [],
  }))
}

function refuseOverBudget(cap: Amount, budget: Amount | undefined): void {
  const fault = overBudget(cap, budget)
  if (fault) throw fault
}

export function overBudget(cap: Amount, budget: Amount | undefined): JobError | undefined {
  if (budget === undefined || cap <= budget) return undefined
  return new JobError({ code: 'job.over_budget', cap: formatTokens(cap), budget: formatTokens(budget) })
}

export function unaffordable(cap: Amount, available: Amount): JobError {
  return new JobError({ code: 'job.unaffordable', cap: formatTokens(cap), available: formatTokens(available) })
}
