import type { Amount, Id, IdKind, Instant } from '@fog/kernel'
import { newId, seededRng } from '@fog/kernel'
import type { Job, JobSpec } from '../job.ts'
import { countTasks } from '../states.ts'
import type { Attempt, Report, Task } from '../task.ts'

/** When every made-up story begins. */
export const START: Instant = Date.UTC(2026, 0, 1)

export const MIB = 2 ** 20
export const GIB = 2 ** 30

/** A maker of jobs, tasks, attempts and reports that hold together. One seed, the same ids. */
export class Fixtures {
  readonly #rng
  #ids = 0

  constructor(seed = 1) {
    this.#rng = seededRng(seed)
  }

  /** Ids rise with each call, as those of the platform rise with time. */
  id<Kind extends IdKind>(kind: Kind): Id<Kind> {
    this.#ids += 1
    return newId(kind, START + this.#ids, this.#rng)
  }

  spec(part: Partial<JobSpec> = {}): JobSpec {
    return {
      name: 'mandelbrot',
      kind: 'wasm',
      program: { digest: 'ab'.repeat(32), size: 4_096 },
      args: ['{item}', '/out/tile.pgm'],
      env: { LANG: 'C.UTF-8' },
      inputs: [{ path: '/in/palette.txt', digest: 'cd'.repeat(32), size: 120 }],
      limits: {
        cpuMilli: 1_000,
        memoryBytes: 128 * MIB,
        diskBytes: 64 * MIB,
        wallMs: 60_000,
        fuel: 20_000_000_000n,
        outputBytes: 8 * MIB,
      },
      tier: 'silver',
      privacy: 'public',
      routing: 'least_loaded',
      verification: { quorum: 1, spotCheckBasisPoints: 0 },
      maxAttempts: 5,
      require: {},
      ...part,
    }
  }

  /** A queued job and its tasks; `part` may hold a `spec` of its own. */
  job(part: Partial<Job> = {}, taskParts: readonly Partial<Task>[] = [{}]): { job: Job; tasks: Task[] } {
    const jobId = part.jobId ?? this.id('job')
    const spec = part.spec ?? this.spec()
    const submittedAt = part.submittedAt ?? START
    const tasks = taskParts.map((task, index) => this.#task(jobId, index, submittedAt, spec, task))
    const job: Job = {
      jobId,
      accountId: this.id('account'),
      submittedBy: this.id('user'),
      spec,
      tasks: tasks.length,
      counts: countTasks(tasks),
      status: 'queued',
      holdId: this.id('hold'),
      priceCap: 50_000_000n as Amount,
      taskPriceCap: 1_000_000n as Amount,
      unitsPerGigafuel: 1_000n as Amount,
      settled: false,
      submittedAt,
      ...part,
    }
    return { job, tasks }
  }

  #task(jobId: Job['jobId'], index: number, queuedAt: Instant, spec: JobSpec, part: Partial<Task>): Task {
    return {
      taskId: this.id('task'),
      jobId,
      index,
      item: `tiles/${index}.json`,
      inputs: [],
      status: 'queued',
      quorum: spec.verification.quorum,
      pending: spec.verification.quorum,
      attempts: 0,
      notBefore: queuedAt,
      queuedAt,
      ...part,
    }
  }

  attempt(task: Task, part: Partial<Attempt> = {}): Attempt {
    const leasedAt = part.leasedAt ?? START
    return {
      attemptId: this.id('attempt'),
      taskId: task.taskId,
      jobId: task.jobId,
      nodeId: this.id('node'),
      ownerId: this.id('account'),
      fence: task.attempts + 1,
      status: 'leased',
      leasedAt,
      leaseExpiresAt: leasedAt + 30_000,
      ...part,
    }
  }

  report(part: Partial<Report> = {}): Report {
    return {
      outcome: { ok: true },
      exitCode: 0,
      digest: 'ef'.repeat(32),
      fuel: 1_234_567_890n,
      cpuMs: 812,
      wallMs: 840,
      peakMemoryBytes: 3 * MIB,
      stdout: { digest: '01'.repeat(32), size: 12 },
      stderr: { digest: '02'.repeat(32), size: 0 },
      outputs: [{ path: 'tile.pgm', digest: '03'.repeat(32), size: 65_551 }],
      signature: '04'.repeat(64),
      ...part,
    }
  }
}
