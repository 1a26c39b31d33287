import type { AccountId, Instant } from '@fog/kernel'
import {
  companyOf,
  foreseenEnd,
  foreseeRun,
  isAged,
  type Dispatch,
  type Job,
  type PlanContext,
  type QueuedTask,
  type RunHistory,
  runKeys,
  speedKey,
  TIERS,
} from '@fog/scheduler'
import type { Stores } from '../ports.ts'

/** What accounts use is asked for at most so often: fair shares need no more, and asking costs. */
const IN_USE_MS = 1_000
const MINUTE_MS = 60_000

/** What accounts held when it was last asked. */
export interface InUseSeen {
  readonly at: Instant
  readonly cpuMilli: ReadonlyMap<AccountId, number>
}

type Jobs = Pick<Stores, 'jobs'>

/** What each account with a task in the queue holds now; of an only one nothing needs to be known. */
export async function inUseOf(
  { jobs }: Jobs,
  queue: readonly QueuedTask[],
  seen: InUseSeen | undefined,
  now: Instant,
): Promise<InUseSeen | undefined> {
  const accounts = [...new Set(queue.map(({ job }) => job.accountId))]
  if (accounts.length < 2) return seen
  const isFresh = seen && now - seen.at < IN_USE_MS && accounts.every((account) => seen.cpuMilli.has(account))
  if (isFresh) return seen
  const found = await jobs.cpuInUse(accounts)
  return { at: now, cpuMilli: new Map(accounts.map((account) => [account, found.get(account) ?? 0])) }
}

/**
 * What a plan has to know of what runs: only where a gang, a task that aged, or a job that keeps its tasks apart or
 * together is in the queue, as it takes a look at all live attempts.
 */
export async function liveContext(
  { jobs }: Jobs,
  queue: readonly QueuedTask[],
  now: Instant,
): Promise<Pick<PlanContext, 'held' | 'running' | 'foresee'>> {
  const wantsRoom = queue.some((queued) => queued.job.spec.gang || isAged(queued, now))
  const keeping = new Set(queue.flatMap(({ job }) => (companyOf(job.spec) ? [job.jobId] : [])))
  if (!wantsRoom && keeping.size === 0) return {}
  const live = await jobs.tiers.listLive(TIERS)
  const held = Map.groupBy(
    live.filter(({ attempt }) => keeping.has(attempt.jobId)),
    ({ attempt }) => attempt.jobId,
  )
  const nodes = new Map([...held].map(([jobId, ofJob]) => [jobId, ofJob.map(({ attempt }) => attempt.nodeId)]))
  if (!wantsRoom) return { held: nodes }
  const foresight = await Foresight.recall(
    { jobs },
    [...live, ...queue].map(({ job }) => job),
    live.map(({ attempt }) => speedKey(attempt.nodeId)),
  )
  return {
    held: nodes,
    running: live.map((each) => foresight.runningTask(each, now)),
    foresee: ({ job }) => foresight.runMs(job),
  }
}

/** What histories tell of runs. */
export class Foresight {
  readonly #histories: ReadonlyMap<string, RunHistory>

  constructor(histories: readonly RunHistory[]) {
    this.#histories = new Map(histories.map((history) => [history.key, history]))
  }

  static async recall(
    { jobs }: Jobs,
    of: readonly Pick<Job, 'spec' | 'accountId'>[],
    more: readonly string[] = [],
  ): Promise<Foresight> {
    const keys = of.flatMap(({ spec, accountId }) => runKeys(spec.program.digest, accountId))
    return new Foresight(await jobs.runs.recall([...new Set([...keys, ...more])]))
  }

  /** How long a task of the job is thought to run, in milliseconds; undefined while nothing is known. */
  runMs({ spec, accountId }: Pick<Job, 'spec' | 'accountId'>, speed = 1): number | undefined {
    const histories = runKeys(spec.program.digest, accountId).map((key) => this.#histories.get(key))
    return foreseeRun(histories, spec.limits.wallMs, speed)
  }

  runningTask({ attempt, job }: Dispatch, now: Instant) {
    const { wallMs, cpuMilli, memoryBytes, diskBytes } = job.spec.limits
    const startedAt = attempt.startedAt ?? attempt.leasedAt
    const speed = this.#histories.get(speedKey(attempt.nodeId))?.speed
    const foreseen = this.runMs(job, speed) ?? wallMs
    return {
      nodeId: attempt.nodeId,
      room: { cpuMilli, memoryBytes, diskBytes },
      endsAt: foreseenEnd({ startedAt, foreseen, limit: wallMs }, now, MINUTE_MS),
      endsBy: Math.max(now + 1, startedAt + wallMs),
    }
  }
}
