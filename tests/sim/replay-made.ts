import { type AccountId, amount, type Instant, newId, type Rng } from '@fog/kernel'
import { type Attempt, type Job, type JobSpec, NO_COUNTS, type Report, type Task } from '@fog/scheduler'
import type { RigidJob } from '@fog/scheduler/queueing'

const GIB = 1024 ** 3

/** A job of a trace as the fog knows it: a gang of one-core tasks, with the time its user asked for as limit. */
export function gangOf(
  rigid: RigidJob,
  accountId: AccountId,
  at: Instant,
  rng: Rng,
): { readonly job: Job; readonly tasks: readonly Task[] } {
  const jobId = newId('job', at, rng)
  const job: Job = {
    jobId,
    accountId,
    submittedBy: newId('user', at, rng),
    spec: specOf(rigid),
    tasks: rigid.width,
    counts: { ...NO_COUNTS, queued: rigid.width },
    status: 'queued',
    holdId: newId('hold', at, rng),
    priceCap: amount(0n),
    taskPriceCap: amount(0n),
    unitsPerGigafuel: amount(0n),
    settled: false,
    submittedAt: at,
  }
  const tasks = Array.from({ length: rigid.width }, (_, index): Task => ({
    taskId: newId('task', at, rng),
    jobId,
    index,
    item: String(index),
    inputs: [],
    status: 'queued',
    quorum: 1,
    pending: 1,
    attempts: 0,
    notBefore: at,
    queuedAt: at,
  }))
  return { job, tasks }
}

/** Runs that asked for the same time and width count as one program. */
function specOf({ jobNumber, askedSeconds, width }: RigidJob): JobSpec {
  return {
    name: `job ${jobNumber}`,
    kind: 'wasm',
    program: { digest: `asked ${askedSeconds} wide ${width}`, size: 1 },
    args: [],
    env: {},
    inputs: [],
    limits: {
      cpuMilli: 1_000,
      memoryBytes: GIB,
      diskBytes: GIB,
      wallMs: askedSeconds * 1_000,
      fuel: 1n,
      outputBytes: 1,
    },
    tier: 'silver',
    privacy: 'public',
    routing: 'least_loaded',
    verification: { quorum: 1, spotCheckBasisPoints: 0 },
    maxAttempts: 20,
    require: {},
    gang: true,
  }
}

export function reportOf({ runSeconds }: RigidJob): Report {
  const nothing = { digest: '', size: 0 }
  return {
    outcome: { ok: true },
    exitCode: 0,
    digest: 'ab'.repeat(32),
    fuel: 0n,
    cpuMs: 0,
    wallMs: runSeconds * 1_000,
    peakMemoryBytes: 0,
    stdout: nothing,
    stderr: nothing,
    outputs: [],
    signature: '',
  }
}

export function attemptOf(task: Task, at: Instant, part: Pick<Attempt, 'nodeId' | 'ownerId'>, rng: Rng): Attempt {
  return {
    attemptId: newId('attempt', at, rng),
    taskId: task.taskId,
    jobId: task.jobId,
    ...part,
    fence: task.attempts + 1,
    status: 'leased',
    leasedAt: at,
    leaseExpiresAt: at + 30_000,
  }
}
