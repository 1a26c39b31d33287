import type { JobSubmission, QuoteView } from '@fog/contract'
import { inspectModule } from '@fog/idle'
import { type AccountId, amount, type Amount, formatTokens, newId, type UserId } from '@fog/kernel'
import {
  admit,
  eligibleOwners,
  type InputFile,
  type Job,
  type JobSpec,
  NO_COUNTS,
  type Refusal,
  SchedulerError,
  spotCheck,
  type Task,
  TIER_TERMS,
} from '@fog/scheduler'
import { Ledger } from '@fog/tokenomics'
import type { Platform } from '../platform.ts'
import { readContent } from './content.ts'
import { JobError } from './job-error.ts'
import { budgetOf, priceOfResult, specOf } from './job-spec.ts'
import { allNodes, nodeView } from './node-views.ts'

/** What this fog offers today; the levels above `public` come with the transports that keep them. */
const OFFER = {
  privacy: ['public'],
  routing: ['round_robin', 'least_loaded', 'affinity_based', 'proximity_based'],
} as const

export interface Submitter {
  readonly userId: UserId
  readonly accountId: AccountId
}

/** A submission that was looked at: complete, possible, priced. */
interface Prepared {
  readonly spec: JobSpec
  readonly taskInputs: readonly (readonly InputFile[])[]
  readonly owners: number
  readonly perResult: Amount
  readonly refusals: readonly Refusal[]
}

/**
 * Takes a job in. All that could be wrong with it is said here, before it costs anything; the price is held before the
 * job is queued, so a queued job can always be paid for.
 */
export async function submitJob(
  platform: Platform,
  { userId, accountId }: Submitter,
  submission: JobSubmission,
): Promise<Job> {
  const { database, clock, rng, config } = platform
  const prepared = await prepare(platform, accountId, submission)
  const { refusals } = prepared
  if (refusals.length > 0) {
    throw new SchedulerError({ code: 'job.refused', refusals, why: refusals.map(({ sentence }) => sentence).join(' ') })
  }
  return database.transact(async (tx) => {
    const { openJobs: open } = await tx.jobs.usageOf(accountId, clock.now())
    const { maxOpenJobsPerAccount: limit } = config.limits
    if (open >= limit) throw new JobError({ code: 'job.too_many_open', open, limit })

    const at = clock.now()
    const jobId = newId('job', at, rng)
    const quorums = submission.tasks.map(() => spotCheck(prepared.spec, prepared.owners, rng))
    const priceCap = capOf(prepared.perResult, quorums)
    refuseOverBudget(priceCap, budgetOf(submission))
    const holdId = newId('hold', at, rng)
    const tasks = submission.tasks.map(({ item }, index): Task => ({
      taskId: newId('task', at, rng),
      jobId,
      index,
      item,
      inputs: prepared.taskInputs[index]!,
      status: 'queued',
      quorum: quorums[index]!,
      pending: quorums[index]!,
      attempts: 0,
      notBefore: at,
      queuedAt: at,
    }))
    const { spec, perResult: taskPriceCap } = prepared
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
      taskPriceCap,
      unitsPerGigafuel: config.prices.unitsPerGigafuel,
      settled: false,
      submittedAt: at,
    }
    await tx.jobs.addJob(job, tasks)
    await tx.events.append([
      { type: 'job.queued', at, accountId, jobId, data: { name: spec.name, tasks: tasks.length } },
    ])
    tx.wake('place')
    tx.wake('events')
    // Last, because the ledger's lock is one for all.
    const ledger = new Ledger({ store: tx.ledger, clock })
    const held = await ledger.hold({ holdId, accountId, amount: priceCap, reference: jobId })
    if (!held.ok) throw unaffordable(priceCap, held.available)
    return job
  })
}

/** What a job would cost at most, and what would keep it from being taken. */
export async function quoteJob(
  platform: Platform,
  accountId: AccountId,
  submission: JobSubmission,
): Promise<QuoteView> {
  const { spec, perResult, owners, refusals } = await prepare(platform, accountId, submission)
  // Which single results are checked is drawn at submission, so the quote holds for the dearest draw.
  const mayBeChecked = spec.verification.spotCheckBasisPoints > 0 && owners > 1
  const quorum = Math.max(spec.verification.quorum, mayBeChecked ? 2 : 1)
  const cap = capOf(
    perResult,
    submission.tasks.map(() => quorum),
  )
  const available = (await platform.database.read.ledger.findAccount(accountId))?.balance ?? amount(0n)
  const budget = budgetOf(submission)
  const reasons: QuoteView['refusals'] = refusals.map(({ code, sentence }) => ({ code, text: sentence }))
  for (const fault of [overBudget(cap, budget), cap > available ? unaffordable(cap, available) : undefined]) {
    if (fault) reasons.push({ code: fault.code, text: fault.message })
  }
  const { priceMilli } = TIER_TERMS[spec.tier]
  return {
    tasks: submission.tasks.length,
    perTask: formatTokens(perResult * BigInt(quorum)),
    priceCap: formatTokens(cap),
    unitPrice: formatTokens((platform.config.prices.unitsPerGigafuel * BigInt(priceMilli)) / 1000n),
    fuelPerTask: String(spec.limits.fuel),
    quorum,
    available: formatTokens(available),
    affordable: cap <= available,
    refusals: reasons,
  }
}

async function prepare(platform: Platform, accountId: AccountId, submission: JobSubmission): Promise<Prepared> {
  const { database, config } = platform
  const { spec, taskInputs } = await specOf(submission, accountId, database.read.blobs, config.prices)
  await checkProgram(platform, spec)
  const nodes = (await allNodes(database.read.nodes)).map((node) => nodeView(node))
  const tasks = submission.tasks.map(({ item }, index) => ({ item, inputs: taskInputs[index]! }))
  const admission = admit(spec, tasks, nodes, OFFER)
  return {
    spec,
    taskInputs,
    owners: eligibleOwners(spec, nodes),
    perResult: priceOfResult(spec, config.prices),
    refusals: admission.ok ? [] : admission.refusals,
  }
}

/** Refuses what is no program, before any device sees it. */
async function checkProgram({ database, blobs, config }: Platform, { program, limits }: JobSpec): Promise<void> {
  const { maxProgramBytes } = config.limits
  const content = await readContent({ index: database.read.blobs, blobs }, program.digest, maxProgramBytes)
  inspectModule(content, { moduleBytes: maxProgramBytes, memoryBytes: limits.memoryBytes })
}

function capOf(perResult: Amount, quorums: readonly number[]): Amount {
  return amount(perResult * BigInt(quorums.reduce((sum, quorum) => sum + quorum, 0)))
}

function refuseOverBudget(cap: Amount, budget: Amount | undefined): void {
  const fault = overBudget(cap, budget)
  if (fault) throw fault
}

function overBudget(cap: Amount, budget: Amount | undefined): JobError | undefined {
  if (budget === undefined || cap <= budget) return undefined
  return new JobError({ code: 'job.over_budget', cap: formatTokens(cap), budget: formatTokens(budget) })
}

function unaffordable(cap: Amount, available: Amount): JobError {
  return new JobError({ code: 'job.unaffordable', cap: formatTokens(cap), available: formatTokens(available) })
}
