import {
  type AccountId,
  type JobId,
  ManualClock,
  MemoryDatabase,
  newId,
  type Rng,
  seededRng,
  type TaskId,
} from '@fog/kernel'
import {
  advanceJob,
  advanceTask,
  type Attempt,
  attemptsAfter,
  foreseenEnd,
  foreseeRun,
  isLive,
  isOver,
  keysOf,
  learn,
  MemoryJobStore,
  NO_COUNTS,
  type Plan,
  plan,
  type QueuedTask,
  type RunHistory,
  runKeys,
  sumCounts,
  type Task,
  type TaskCounts,
  type TaskEvent,
  taskRules,
} from '@fog/scheduler'
import { boundedSlowdown, type RanJob, type RigidJob, type Trace } from '@fog/scheduler/queueing'
import { attemptOf, gangOf, reportOf } from './replay-made.ts'
import { ReplayMachine } from './replay-machine.ts'
import { Timeline } from './timeline.ts'
import { InvariantBroken } from './invariant-broken.ts'

export interface ReplayOptions {
  readonly seed: number
  /** Of all attempts, how many are lost on the way: their task goes back to the queue. */
  readonly loss: number
  /** The store's own audit, which looks at everything, runs each time so many jobs more have ended. */
  readonly auditEvery: number
}

export const REPLAY_DEFAULTS: ReplayOptions = { seed: 1, loss: 0.0005, auditEvery: 10_000 }

export interface ReplayFigures {
  readonly jobs: number
  readonly tasks: number
  readonly attempts: number
  readonly lost: number
  readonly plans: number
  readonly reservations: number
  readonly audits: number
  readonly virtualDays: number
  readonly meanBoundedSlowdown: number
  readonly longestWaitHours: number
}

/** So many tasks are read at once, half of what the flow reads; a gang is then read whole. */
const WINDOW = 256
const READS = 8
const MINUTE_MS = 60_000

/**
 * The jobs of a trace through the real scheduler: each is a gang of one-core tasks, on as many one-core nodes as the machine
 * had processors. Queue, plan, predictions, life of tasks and jobs, store and audit are those of the fog; time, nodes and
 * the messages between are made up here. Every step checks what must always hold: the first breach throws `InvariantBroken`.
 */
export class Replay {
  readonly #trace: Trace
  readonly #options: ReplayOptions
  readonly #rng: Rng
  readonly #clock = new ManualClock()
  readonly #beganAt = this.#clock.now()
  readonly #timeline = new Timeline(this.#clock)
  readonly #database = new MemoryDatabase()
  readonly #store = new MemoryJobStore(this.#database)
  readonly #machine: ReplayMachine
  readonly #accounts = new Map<number, AccountId>()
  readonly #inUse = new Map<AccountId, number>()
  readonly #histories = new Map<string, RunHistory>()
  readonly #rigid = new Map<JobId, RigidJob>()
  readonly #ran: RanJob[] = []
  readonly #count = { tasks: 0, attempts: 0, lost: 0, plans: 0, reservations: 0, audits: 0 }
  #pending = 0
  #isWoken = false
  #over = 0

  constructor(trace: Trace, options: ReplayOptions = REPLAY_DEFAULTS) {
    this.#trace = trace
    this.#options = options
    this.#rng = seededRng(options.seed)
    this.#machine = new ReplayMachine(trace.processors, this.#rng)
  }

  async run(): Promise<ReplayFigures> {
    const { jobs } = this.#trace
    const first = jobs[0]?.submittedAt ?? 0
    for (const job of jobs) this.#timeline.after((job.submittedAt - first) * 1_000, () => this.#arrive(job))
    await this.#timeline.run(() => false)
    await this.#audit()
    if (this.#over !== jobs.length) throw new InvariantBroken(`${jobs.length - this.#over} jobs never ended`)
    if (this.#machine.freeNodes !== this.#trace.processors) throw new InvariantBroken('a node is held after the end')
    const waits = this.#ran.map(({ job, startedAt }) => startedAt - job.submittedAt)
    return {
      jobs: jobs.length,
      ...this.#count,
      virtualDays: (this.#clock.now() - this.#beganAt) / 86_400_000,
      meanBoundedSlowdown: this.#ran.reduce((sum, ran) => sum + boundedSlowdown(ran), 0) / this.#ran.length,
      longestWaitHours: waits.reduce((most, wait) => Math.max(most, wait), 0) / 3_600,
    }
  }

  async #arrive(rigid: RigidJob): Promise<void> {
    const accountId = this.#accounts.get(rigid.user) ?? newId('account', this.#clock.now(), this.#rng)
    this.#accounts.set(rigid.user, accountId)
    const { job, tasks } = gangOf(rigid, accountId, this.#clock.now(), this.#rng)
    this.#rigid.set(job.jobId, rigid)
    this.#count.tasks += tasks.length
    this.#pending += tasks.length
    await this.#database.transact(() => this.#store.addJob(job, tasks))
    this.#wake()
  }

  /** Placing is woken, as in the control plane: once for all that happens in one moment. */
  #wake(): void {
    if (this.#isWoken) return
    this.#isWoken = true
    this.#timeline.after(0, () => {
      this.#isWoken = false
      return this.#place()
    })
  }

  /** One round of placing, as in the flow: windows of the queue, past those that have to wait. */
  async #place(): Promise<void> {
    if (this.#pending === 0 || this.#machine.freeNodes === 0) return
    await this.#database.transact(async () => {
      const waiting: JobId[] = []
      for (let read = 0; read < READS && this.#machine.freeNodes > 0; read += 1) {
        const queue = await this.#wholeGangs(await this.#store.takeQueued(this.#clock.now(), WINDOW, waiting))
        if (queue.length === 0) return
        await this.#placeWindow(queue)
        if (queue.length < WINDOW) return
        for (const jobId of new Set(queue.map(({ job }) => job.jobId))) waiting.push(jobId)
      }
    })
  }

  /** A window cuts its last gang in two: the rest is read too. */
  async #wholeGangs(queue: readonly QueuedTask[]): Promise<readonly QueuedTask[]> {
    if (queue.length < WINDOW) return queue
    const whole: QueuedTask[] = []
    for (const [jobId, gang] of Map.groupBy(queue, ({ job }) => job.jobId)) {
      const { job } = gang[0]!
      if (gang.length >= job.counts.queued) {
        whole.push(...gang)
        continue
      }
      const tasks = await this.#store.findOpenTasksForUpdate(jobId)
      const wanted = tasks.filter(({ task }) => task.pending > 0 && task.notBefore <= this.#clock.now())
      whole.push(...wanted.map((each) => ({ ...each, job })))
    }
    return whole
  }

  async #placeWindow(queue: readonly QueuedTask[]): Promise<void> {
    const now = this.#clock.now()
    const answer = plan(queue, this.#machine.view(), {
      now,
      // All nodes are alike.
      route: (_, candidates) => candidates,
      inUse: this.#inUse,
      running: this.#machine.running(),
      foresee: ({ job }) => this.#foresee(job.spec, job.accountId),
    })
    this.#count.plans += 1
    if (answer.reservation) this.#count.reservations += 1
    if (answer.placements.length === 0) return
    this.#checkGangs(queue, answer)
    const byId = new Map(queue.map((queued) => [queued.task.taskId, queued]))
    const attempts = answer.placements.map(({ taskId, nodeId }) => {
      const ownerId = this.#machine.ownerOf(nodeId)
      return attemptOf(byId.get(taskId)!.task, now, { nodeId, ownerId }, this.#rng)
    })
    for (const attempt of attempts) this.#hold(attempt, byId.get(attempt.taskId)!)
    const begun = attempts.flatMap((attempt): Change[] => [
      [attempt.taskId, { type: 'placed', attempt }],
      [attempt.taskId, { type: 'started', attemptId: attempt.attemptId, fence: attempt.fence, at: now }],
    ])
    await this.#advance(begun, queue)
    for (const [jobId, ofJob] of Map.groupBy(attempts, (attempt) => attempt.jobId)) this.#scheduleEnds(jobId, ofJob)
  }

  #hold(attempt: Attempt, { job }: QueuedTask): void {
    const { wallMs, cpuMilli } = job.spec.limits
    const at = this.#clock.now()
    const foreseen = this.#foresee(job.spec, job.accountId) ?? wallMs
    const endsAt = () => foreseenEnd({ startedAt: at, foreseen, limit: wallMs }, this.#clock.now(), MINUTE_MS)
    this.#machine.take(attempt.nodeId, { attempt, endsAt, endsBy: at + wallMs })
    this.#inUse.set(job.accountId, (this.#inUse.get(job.accountId) ?? 0) + cpuMilli)
  }

  #scheduleEnds(jobId: JobId, attempts: readonly Attempt[]): void {
    const rigid = this.#rigid.get(jobId)!
    const runMs = rigid.runSeconds * 1_000
    const { lost = [], kept = [] } = Object.groupBy(attempts, () =>
      this.#rng.next() < this.#options.loss ? 'lost' : 'kept',
    )
    this.#count.attempts += attempts.length
    const report = reportOf(rigid)
    if (kept.length > 0) {
      this.#timeline.after(runMs, () =>
        this.#end(kept, ({ attemptId, fence }, at) => ({ type: 'reported', attemptId, fence, report, at })),
      )
    }
    for (const attempt of lost) {
      this.#count.lost += 1
      const jitter = this.#rng.next()
      this.#timeline.after(runMs * this.#rng.next(), () =>
        this.#end([attempt], ({ attemptId }, at) => ({
          type: 'lost',
          attemptId,
          at,
          why: 'its node went silent',
          jitter,
        })),
      )
    }
  }

  async #end(attempts: readonly Attempt[], eventOf: (attempt: Attempt, at: number) => TaskEvent): Promise<void> {
    const at = this.#clock.now()
    await this.#database.transact(async () => {
      const ids = attempts.map(({ taskId }) => taskId)
      const found = await this.#store.findTasksForUpdate(ids)
      const job = (await this.#store.findJob(attempts[0]!.jobId))!
      const queue = found.map((each) => ({ ...each, job }))
      await this.#advance(
        attempts.map((attempt): Change => [attempt.taskId, eventOf(attempt, at)]),
        queue,
      )
    })
    this.#wake()
  }

  /** Takes what happened to tasks of any jobs through their life, as `advanceTasks` of the flows does. */
  async #advance(changes: readonly Change[], loaded: readonly QueuedTask[]): Promise<void> {
    const at = this.#clock.now()
    const tasks = new Map(loaded.map((each) => [each.task.taskId, each]))
    const known = new Set(loaded.flatMap(({ attempts }) => attempts.map(({ attemptId }) => attemptId)))
    const changed = new Map<TaskId, Task>()
    const moved = new Map<string, Attempt>()
    const counts = new Map<JobId, TaskCounts>()
    for (const [taskId, event] of changes) {
      const { task, attempts, job } = tasks.get(taskId)!
      const step = advanceTask(
        task,
        attempts,
        event,
        taskRules(job.spec, () => true),
      )
      if (step.ignored) throw new InvariantBroken(`${event.type} of ${taskId} was ignored: ${step.ignored}`)
      const after = attemptsAfter(attempts, step.attempts)
      if (after.filter(isLive).length > 1) throw new InvariantBroken(`${taskId} has two live attempts`)
      tasks.set(taskId, { task: step.task, attempts: after, job })
      changed.set(taskId, step.task)
      this.#pending += step.task.pending - task.pending
      for (const attempt of step.attempts) moved.set(attempt.attemptId, attempt)
      counts.set(task.jobId, sumCounts(counts.get(task.jobId) ?? NO_COUNTS, step.counts))
      for (const attemptId of step.freed)
        this.#free(
          after.find((each) => each.attemptId === attemptId)!,
          job,
        )
      this.#wakeAt(step.task)
    }
    await this.#store.saveTasks([...changed.values()])
    const { added = [], saved = [] } = Object.groupBy(moved.values(), ({ attemptId }) =>
      known.has(attemptId) ? 'saved' : 'added',
    )
    await this.#store.addAttempts(added)
    await this.#store.saveAttempts(saved)
    for (const job of await this.#store.addCounts([...counts].map(([jobId, delta]) => ({ jobId, ...delta })))) {
      const next = advanceJob(job, { at })
      if (next === job) continue
      await this.#store.saveJob(next)
      if (job.startedAt === undefined && next.startedAt !== undefined) this.#started(job.jobId)
      if (isOver(next)) await this.#ended(next.jobId, next.accountId, next.spec.program.digest, next.status)
    }
  }

  /** What backs off is placed as soon as it may be. */
  #wakeAt({ pending, notBefore }: Task): void {
    const now = this.#clock.now()
    if (pending > 0 && notBefore > now) this.#timeline.after(notBefore - now, () => this.#place())
  }

  #free(attempt: Attempt, { accountId, spec }: QueuedTask['job']): void {
    this.#machine.free(attempt)
    this.#inUse.set(accountId, this.#inUse.get(accountId)! - spec.limits.cpuMilli)
  }

  #started(jobId: JobId): void {
    const job = this.#rigid.get(jobId)!
    const first = this.#trace.jobs[0]!.submittedAt
    this.#ran.push({ job, startedAt: first + (this.#clock.now() - this.#beganAt) / 1_000 })
  }

  async #ended(jobId: JobId, accountId: AccountId, digest: string, status: string): Promise<void> {
    if (status !== 'succeeded') throw new InvariantBroken(`${jobId} ${status}`)
    this.#over += 1
    const nodeId = this.#machine.view()[0]!.nodeId
    const wallMs = this.#rigid.get(jobId)!.runSeconds * 1_000
    const run = { digest, accountId, nodeId, wallMs, cpuMs: 0, fuel: 0n }
    const known = keysOf([run]).flatMap((key) => this.#histories.get(key) ?? [])
    for (const history of learn(known, [run], this.#clock.now())) this.#histories.set(history.key, history)
    if (this.#over % this.#options.auditEvery === 0) await this.#audit()
  }

  #foresee({ program, limits }: QueuedTask['job']['spec'], accountId: AccountId): number | undefined {
    const histories = runKeys(program.digest, accountId).map((key) => this.#histories.get(key))
    return foreseeRun(histories, limits.wallMs)
  }

  /** A gang that was never placed is placed whole or not at all. */
  #checkGangs(queue: readonly QueuedTask[], { placements }: Plan): void {
    const placed = new Set(placements.map(({ taskId }) => taskId))
    if (placed.size !== placements.length) throw new InvariantBroken('a plan places a task twice')
    for (const [jobId, gang] of Map.groupBy(queue, ({ job }) => job.jobId)) {
      const count = gang.filter(({ task }) => placed.has(task.taskId)).length
      if (count > 0 && count < gang.length) {
        throw new InvariantBroken(`${count} of the ${gang.length} tasks of ${jobId} were placed`)
      }
    }
  }

  async #audit(): Promise<void> {
    this.#count.audits += 1
    const faults = await this.#store.auditJobs()
    if (faults.length > 0) throw new InvariantBroken(faults.slice(0, 5).join('; '))
  }
}

type Change = readonly [TaskId, TaskEvent]
