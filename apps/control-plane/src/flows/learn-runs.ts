import type { Instant } from '@fog/kernel'
import { type Attempt, type Job, jobByTask, keysOf, learn, type Report, type ReportedRun } from '@fog/scheduler'
import type { Transaction } from '../ports.ts'

/** An attempt and what its node reported. */
export interface Learned {
  readonly attempt: Attempt
  readonly report: Pick<Report, 'outcome' | 'wallMs' | 'cpuMs' | 'fuel'>
}

/**
 * Remembers how long runs of these jobs took, for those to come: of each program, and of each device how fast it is. Only runs that went
 * from start to end, or to their limit, tell anything: not one that failed early, nor one that went on from a checkpoint.
 */
export async function learnRuns(
  tx: Transaction,
  learned: readonly Learned[],
  jobs: readonly Job[],
  at: Instant,
): Promise<void> {
  const telling = learned.filter(({ attempt, report: { outcome } }) => {
    return attempt.resumedFrom === undefined && (outcome.ok || outcome.failure.reason === 'wall_exceeded')
  })
  if (telling.length === 0) return
  const runs = await reportedRuns(tx, telling, jobs)
  const known = await tx.jobs.runs.recall(keysOf(runs))
  await tx.jobs.runs.keep(learn(known, runs, at))
}

async function reportedRuns(
  tx: Transaction,
  learned: readonly Learned[],
  jobs: readonly Job[],
): Promise<ReportedRun[]> {
  const runs: ReportedRun[] = []
  const byJob = Map.groupBy(learned, ({ attempt }) => attempt.jobId)
  for (const job of jobs) {
    const ofJob = byJob.get(job.jobId) ?? []
    const { jobId, accountId, spec } = job
    const narrow = spec.steps && ofJob.length > 0 ? jobByTask(job, await tx.jobs.steps.list([jobId])) : undefined
    const tasks = narrow ? await tx.jobs.findTasksForUpdate(ofJob.map(({ attempt }) => attempt.taskId)) : []
    const indexes = new Map(tasks.map(({ task }) => [task.taskId, task.index]))
    for (const { attempt, report } of ofJob) {
      const { program } = narrow ? narrow(indexes.get(attempt.taskId)!).spec : spec
      const { wallMs, cpuMs, fuel } = report
      runs.push({ digest: program.digest, accountId, nodeId: attempt.nodeId, wallMs, cpuMs, fuel })
    }
  }
  return runs
}
