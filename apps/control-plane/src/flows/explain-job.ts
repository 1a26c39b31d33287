import type { WhyView } from '@fog/contract'
import {
  companyOf,
  explainWaiting,
  isBlocked,
  isLive,
  isOpen,
  type Job,
  jobByTask,
  type JobStep,
  type QueueDepth,
  stepPlaceOf,
  type Task,
  TIERS,
  type Why,
} from '@fog/scheduler'
import type { Platform } from '../platform.ts'
import { allNodes, isOpen as isWorking, nodeView } from './node-views.ts'
import { explainReserved } from './explain-reserved.ts'
import { cpuQuotas } from './quota.ts'
import { tierViews, withKept } from './tier-views.ts'

/** Of a large job the first waiting tasks speak for the rest: those behind wait for the same, and for them. */
const LOOKED_AT = 50

/** Why tasks of a job wait, the reason that holds most of them first. A job that is over waits for nothing. */
export async function explainJob(platform: Platform, job: Job): Promise<WhyView['reasons']> {
  const { database, clock } = platform
  const { jobs, nodes } = database.read
  const { jobId } = job
  const queued = await jobs.listTasks({ jobId, status: 'queued', limit: LOOKED_AT })
  const running = await jobs.listTasks({
    jobId,
    status: 'running',
    limit: LOOKED_AT - Math.min(queued.length, LOOKED_AT - 1),
  })
  const all = await allNodes(nodes)
  const open = all.filter(isWorking).map((node) => nodeView(node))
  const tiers = await tierViews(platform, database.read, open)
  const views = all.map((node) => withKept(nodeView(node), tiers))
  const depth = await jobs.queueDepth()
  const found = new Map<string, { code: string; text: string; tasks: number; rank: number }>()
  const steps = job.spec.steps ? await jobs.steps.list([jobId]) : []
  const narrow = jobByTask(job, steps)
  const quota = await explainQuota(platform, job)
  const company = await companyKnown(platform, job)
  for (const task of [...queued, ...running].filter(isOpen)) {
    if (isBlocked(task)) {
      count(found, explainSteps(job, task, steps), 0)
      continue
    }
    if (quota && task.pending > 0) count(found, quota, 0)
    const attempts = (await jobs.findTask(task.taskId))?.attempts ?? []
    const reasons = explainWaiting(
      { task, attempts, job: narrow(task.index) },
      views,
      clock.now(),
      queueAhead(depth, job),
      company,
    )
    reasons.forEach((why, rank) => count(found, why, rank))
  }
  const reserved = queued.some(({ pending }) => pending > 0) ? await explainReserved(platform, job) : undefined
  if (reserved) found.set(reserved.text, { ...reserved, rank: 0 })
  return [...found.values()]
    .sort((a, b) => a.rank - b.rank || b.tasks - a.tasks)
    .map(({ code, text, tasks }) => ({ code, text, tasks }))
}

/** What its other tasks mean to those that wait. */
async function companyKnown({ database }: Platform, { jobId, spec, counts }: Job) {
  const gang = spec.gang ? counts.queued * spec.verification.quorum : undefined
  if (!companyOf(spec)) return { gang }
  const live = (await database.read.jobs.listAttempts(jobId)).filter(isLive)
  return { gang, held: live.map(({ nodeId }) => nodeId) }
}

type Reason = Pick<Why, 'text'> & { readonly code: string }

/** Which of the steps it needs are not done yet. */
function explainSteps({ spec }: Job, task: Task, steps: readonly JobStep[]): Reason {
  const { needs } = spec.steps![stepPlaceOf(spec, task.index)!]!
  const open = needs.filter(({ step }) => steps[step]!.counts.done < spec.steps![step]!.tasks)
  const names = open.map(({ step }) => {
    const { done } = steps[step]!.counts
    return `${spec.steps![step]!.name} (${done} of ${spec.steps![step]!.tasks} done)`
  })
  return { code: 'steps', text: `It waits for ${names.join(' and ')}.` }
}

/** That its account has no cores left, if so. */
async function explainQuota({ database, config }: Platform, { accountId, spec }: Job): Promise<Reason | undefined> {
  const limit = (await cpuQuotas(database.read.quotas, config.limits, [accountId])).get(accountId)
  if (limit === undefined) return undefined
  const inUse = (await database.read.jobs.cpuInUse([accountId])).get(accountId) ?? 0
  if (inUse + spec.limits.cpuMilli <= limit) return undefined
  const text = `Your account uses ${inUse / 1000} of the ${limit / 1000} cores it may use at a time.`
  return { code: 'quota', text }
}

function count(
  found: Map<string, { code: string; text: string; tasks: number; rank: number }>,
  why: Reason,
  rank: number,
): void {
  const known = found.get(why.text)
  if (known) known.tasks += 1
  else found.set(why.text, { code: why.code, text: why.text, tasks: 1, rank })
}

/** What goes first: all that waits in better tiers, and in its own tier at most what is not of this job. */
function queueAhead(depth: readonly QueueDepth[], { spec, counts }: Job) {
  const better = TIERS.slice(0, TIERS.indexOf(spec.tier))
  const waiting = (tiers: readonly string[]) =>
    depth.filter(({ tier }) => tiers.includes(tier)).reduce((sum, { queued }) => sum + queued, 0)
  return { higherTier: waiting(better), sameTier: Math.max(0, waiting([spec.tier]) - counts.queued) }
}
