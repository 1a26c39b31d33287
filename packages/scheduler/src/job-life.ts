import type { AccountId, AttemptId, Instant, NodeId, TaskId } from '@fog/kernel'
import type { Job, JobStatus, TaskCounts } from './job.ts'
import type { TaskWithAttempts } from './job-store.ts'
import { answerOf, isReported, type ReportedAttempt, voices } from './judge.ts'
import { isOver } from './states.ts'

/**
 * The life of a job, which follows its tasks: running at the first start, over when no task is open. `job` carries the
 * counts as they stand now; `failure` is the sentence of a task that just failed. Answers the same job when nothing
 * changed, so `next !== job` says whether to save it.
 */
export function advanceJob(
  job: Job,
  { at, failure }: { readonly at: Instant; readonly failure?: string | undefined },
): Job {
  if (isOver(job)) return job
  const status = statusOf(job)
  const kept = job.failure ?? failure
  if (status === job.status && kept === job.failure) return job
  return {
    ...job,
    status,
    ...(kept === undefined ? {} : { failure: kept }),
    ...(hasStarted(job.counts) ? { startedAt: job.startedAt ?? at } : {}),
    ...(isOver({ status }) ? { finishedAt: at } : {}),
  }
}

function statusOf({ status, counts }: Job): JobStatus {
  if (counts.queued + counts.running > 0) return hasStarted(counts) ? 'running' : status
  if (counts.cancelled > 0) return 'cancelled'
  return counts.failed > 0 ? 'failed' : 'succeeded'
}

/** Tasks that ended count too: the word that they began may have been lost on the way. */
function hasStarted({ running, done, failed }: TaskCounts): boolean {
  return running + done + failed > 0
}

/** Work that is paid for: a report, or what an earlier attempt did up to the checkpoint that the accepted one went on from. */
export interface Payable {
  /** Of the task within its job. */
  readonly index: number
  readonly attemptId: AttemptId
  readonly taskId: TaskId
  readonly nodeId: NodeId
  readonly ownerId: AccountId
  readonly fuel: bigint
  /** Burnt by those before it in the same line, and paid to them: one cap holds for all of a line. */
  readonly fuelBefore: bigint
  readonly cpuMs: number
  readonly wallMs: number
  readonly kind: 'result' | 'checkpoint'
}

/**
 * The reports that are paid: of each done task those that agree with the accepted one, at most `quorum` of them, one for
 * each owner, and with each what was done up to the checkpoint it began from. Whatever failed, was lost, given back or
 * cancelled costs nothing, save where others went on from it.
 */
export function payable(tasks: readonly TaskWithAttempts[]): Payable[] {
  return tasks.flatMap(({ task, attempts }) => {
    if (task.status !== 'done') return []
    const reports = voices(attempts.filter(isReported))
    const accepted = reports.find(({ attemptId }) => attemptId === task.acceptedAttemptId)
    if (!accepted) return []
    return reports
      .filter(({ report }) => answerOf(report) === answerOf(accepted.report))
      .slice(0, task.quorum)
      .flatMap((attempt) => lineOf(attempt, task.index))
  })
}

/** All work behind one report, in the order it was done. */
function lineOf(attempt: ReportedAttempt, index: number): Payable[] {
  const { attemptId, taskId, nodeId, ownerId, report, resumedFrom } = attempt
  const { fuel, cpuMs, wallMs } = report
  const last = { attemptId, nodeId, ownerId, fuel, cpuMs, wallMs }
  const line: Payable[] = []
  let fuelBefore = 0n
  for (const work of [...(resumedFrom?.work ?? []), last]) {
    line.push({ ...work, taskId, index, fuelBefore, kind: work === last ? 'result' : 'checkpoint' })
    fuelBefore += work.fuel
  }
  return line
}
