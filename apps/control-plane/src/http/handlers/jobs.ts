import type { JobView } from '@fog/contract'
import type { Reach } from '@fog/fog'
import { type NodeId, parseId } from '@fog/kernel'
import {
  type Attempt,
  isLive,
  isOpen,
  type Job,
  type JobSpec,
  type QueuedTask,
  SchedulerError,
  type Task,
} from '@fog/scheduler'
import { needScope, seesAll } from '../../access/caller.ts'
import type { KnownCaller } from '../../access/known-caller.ts'
import { cancelJob } from '../../flows/cancel-job.ts'
import { explainJob } from '../../flows/explain-job.ts'
import { foreseenSeconds } from '../../flows/foresee-run.ts'
import { receiptOf } from '../../flows/receipt.ts'
import { quoteJob } from '../../flows/quote-job.ts'
import { refuseInTheOpen } from '../../flows/secrecy.ts'
import { submitJob } from '../../flows/submit-job.ts'
import type { Platform } from '../../platform.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { numberCursor, pageOf } from '../paging.ts'
import { attemptView, jobView, logChunkView, outcomeView, type Place, resultView, taskView } from '../views.ts'

export function jobHandlers({
  platform,
}: HandlerDependencies): Pick<
  Handlers,
  | 'quote'
  | 'submitJob'
  | 'listJobs'
  | 'getJob'
  | 'cancelJob'
  | 'listTasks'
  | 'getTask'
  | 'getTaskLogs'
  | 'listResults'
  | 'getReceipt'
  | 'explainJob'
> {
  const { jobs, logs } = platform.database.read
  return {
    quote: async ({ caller, body, reach }) => quoteJob(platform, caller.accountId, body, reach),

    submitJob: async ({ caller, body, reach }) =>
      wholeJobView(platform, await submitJob(platform, caller, body, reach)),

    listJobs: async ({ caller, query, reach }) => {
      if (query.all === true) needScope(caller, 'admin')
      const accountId = query.all === true ? undefined : caller.accountId
      const before = query.after === undefined ? undefined : parseId('job', query.after)
      // Even their ids would tie this address to them.
      const secret = reach === 'mixnet' ? undefined : false
      const jobsPage = await pageOf(
        query,
        (limit) => jobs.listJobs({ accountId, status: query.status, secret, before, limit }),
        (job) => job.jobId,
        (found) => found.map((job) => jobView(job)),
      )
      const kept = secret === false ? await jobs.listJobs({ accountId, secret: true, limit: 1 }) : []
      return { ...jobsPage, ...(kept.length > 0 && { withheld: true }) }
    },

    getJob: async ({ caller, params, reach }) =>
      wholeJobView(platform, await findJob(platform, { caller, reach }, params.jobId)),

    cancelJob: async ({ caller, params, reach }) => {
      const { jobId } = await findJob(platform, { caller, reach }, params.jobId)
      return jobView(await cancelJob(platform, jobId))
    },

    listTasks: async ({ caller, params, query, reach }) => {
      const { jobId, spec } = await findJob(platform, { caller, reach }, params.jobId)
      const after = numberCursor(query.after)
      return pageOf(
        query,
        (limit) => jobs.listTasks({ jobId, status: query.status, after, limit }),
        (task) => String(task.index),
        (tasks) => taskViews(platform, tasks, spec),
      )
    },

    getTask: async ({ caller, params, reach }) => {
      const { task, attempts, job } = await findTask(platform, { caller, reach }, params.taskId)
      const names = await nodeNames(platform, attempts)
      const shown = attempts.find(isAccepted(task)) ?? attempts.findLast(isLive) ?? attempts.at(-1)
      const accepted = attempts.find(isAccepted(task))
      return {
        task: taskView(task, placeOf(shown, names), job.spec),
        attempts: attempts.map((attempt) => attemptView(attempt, task, names.get(attempt.nodeId) ?? 'unknown')),
        ...(accepted?.report && { result: outcomeView(accepted.report) }),
      }
    },

    getTaskLogs: async ({ caller, params, query, reach }) => {
      const { task } = await findTask(platform, { caller, reach }, params.taskId)
      return pageOf(
        query,
        (limit) => logs.read(task.taskId, query.after, limit),
        (chunk) => chunk.cursor,
        (chunks) => chunks.map(logChunkView),
      )
    },

    listResults: async ({ caller, params, query, reach }) => {
      const { jobId, spec } = await findJob(platform, { caller, reach }, params.jobId)
      const after = numberCursor(query.after)
      const accepted = async (limit: number) => {
        const agreed = await jobs.listAgreed({ jobId, after, limit })
        return agreed.filter(({ task, attempt }) => isAccepted(task)(attempt))
      }
      return pageOf(
        query,
        accepted,
        ({ task }) => String(task.index),
        (found) => found.map(({ task, attempt }) => resultView(task, attempt.report, spec)),
      )
    },

    getReceipt: async ({ caller, params, reach }) =>
      receiptOf(platform, await findJob(platform, { caller, reach }, params.jobId)),

    explainJob: async ({ caller, params, reach }) => {
      const job = await findJob(platform, { caller, reach }, params.jobId)
      const reasons = await explainJob(platform, job)
      return { jobId: job.jobId, status: job.status, reasons, ...(await foreseenSeconds(platform, job)) }
    },
  }
}

/** With its steps, where it has several. */
async function wholeJobView({ database }: Platform, job: Job): Promise<JobView> {
  return jobView(job, job.spec.steps ? await database.read.jobs.steps.list([job.jobId]) : [])
}

interface Asking {
  readonly caller: KnownCaller
  readonly reach: Reach
}

/**
 * A job of the caller's own, or any for an admin. Throws `job.not_found` as if another's did not exist, and `job.needs_mixnet` for
 * a secret one that is asked for directly.
 */
async function findJob({ database }: Platform, { caller, reach }: Asking, text: string): Promise<Job> {
  const jobId = parseId('job', text)
  const job = await database.read.jobs.findJob(jobId)
  if (!job || !mayRead(caller, job)) throw new SchedulerError({ code: 'job.not_found', jobId })
  refuseInTheOpen(job.spec, reach)
  return job
}

async function findTask({ database }: Platform, { caller, reach }: Asking, text: string): Promise<QueuedTask> {
  const taskId = parseId('task', text)
  const found = await database.read.jobs.findTask(taskId)
  const job = found && (await database.read.jobs.findJob(found.task.jobId))
  if (!found || !job || !mayRead(caller, job)) throw new SchedulerError({ code: 'task.not_found', taskId })
  refuseInTheOpen(job.spec, reach)
  return { ...found, job }
}

function mayRead(caller: KnownCaller, job: Job): boolean {
  return job.accountId === caller.accountId || seesAll(caller)
}

/** Tasks with the nodes they run or ran on: the accepted attempt's, or the live one's. */
async function taskViews(platform: Platform, tasks: readonly Task[], spec: JobSpec) {
  const { jobs } = platform.database.read
  const accepted = await jobs.findAttempts(tasks.flatMap(({ acceptedAttemptId }) => acceptedAttemptId ?? []))
  // Few at any time: no more are placed at once than the fog has room for.
  const placed = tasks.filter((task) => isOpen(task) && task.attempts > 0)
  const running = await Promise.all(placed.map(({ taskId }) => jobs.findTask(taskId)))
  const live = running.flatMap((found) => found?.attempts.findLast(isLive) ?? [])
  const shown = new Map([...accepted, ...live].map((attempt) => [attempt.taskId, attempt]))
  const names = await nodeNames(platform, [...shown.values()])
  return tasks.map((task) => taskView(task, placeOf(shown.get(task.taskId), names), spec))
}

async function nodeNames({ database }: Platform, attempts: readonly Attempt[]): Promise<Map<NodeId, string>> {
  const nodeIds = [...new Set(attempts.map(({ nodeId }) => nodeId))]
  const nodes = await Promise.all(nodeIds.map((nodeId) => database.read.nodes.find(nodeId)))
  return new Map(nodes.flatMap((node) => (node ? [[node.nodeId, node.name] as const] : [])))
}

function placeOf(attempt: Attempt | undefined, names: ReadonlyMap<NodeId, string>): Place | undefined {
  return attempt && { nodeId: attempt.nodeId, nodeName: names.get(attempt.nodeId), attempt }
}

function isAccepted({ acceptedAttemptId }: Task): (attempt: Attempt) => boolean {
  return (attempt) => attempt.attemptId === acceptedAttemptId
}
