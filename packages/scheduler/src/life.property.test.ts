import type { AttemptId, TaskId } from '@fog/kernel'
import { MemoryDatabase } from '@fog/kernel'
import * as fc from 'fast-check'
import { assert, expect, test } from 'vitest'
import { auditJob } from './audit.ts'
import { advanceJob, payable } from './job-life.ts'
import type { Job } from './job.ts'
import type { TaskWithAttempts } from './job-store.ts'
import { answerOf } from './judge.ts'
import { MemoryJobStore } from './memory-job-store.ts'
import { countTasks, isLive, isOpen, isOver, sumCounts } from './states.ts'
import { advanceTask, attemptsAfter, type TaskEvent, type TaskRules } from './task-life.ts'
import type { FailureReason, Report } from './task.ts'
import { Fixtures, START } from './testing/index.ts'
import type { Incident } from './tiers/incidents.ts'

const TASKS = 3
const RULES: TaskRules = {
  maxAttempts: 3,
  extraReplicas: 1,
  backoffMs: 1_000,
  longestBackoffMs: 8_000,
  isTrusted: (nodeId) => nodeId < 'node_8',
  promises: { queueWaitP95Ms: 5_000, restartMs: 2_000, runStretch: 1.05 },
}

/** What chance picks at one step; which task, attempt and old message it means follows from the state. */
const picks = fc.record({
  what: fc.constantFrom(
    'place',
    'place',
    'place',
    'start',
    'report',
    'report',
    'lose',
    'return',
    'preempt',
    'yield',
    'repeat',
    'repeat',
    'cancel',
    'stop',
  ),
  task: fc.nat(TASKS - 1),
  attempt: fc.nat(20),
  owner: fc.nat(5),
  answer: fc.constantFrom('a', 'a', 'a', 'b', 'c', 'trapped', 'wall_exceeded'),
  forged: fc.boolean(),
  jitter: fc.double({ min: 0, max: 0.999, noNaN: true }),
})
type Pick = typeof picks extends fc.Arbitrary<infer T> ? T : never

interface Told {
  readonly taskId: TaskId
  readonly event: TaskEvent
}

/** A job under fire: every message that was ever sent may come again, at any time. */
class World {
  readonly some = new Fixtures(3)
  readonly owners = Array.from({ length: 6 }, () => ({
    ownerId: this.some.id('account'),
    nodeId: this.some.id('node'),
  }))
  readonly log: Told[] = []
  readonly freed = new Map<AttemptId, number>()
  readonly verdicts = new Map<TaskId, number>()
  readonly incidents: Incident[] = []
  readonly first: { readonly job: Job; readonly tasks: readonly TaskWithAttempts[] }
  job: Job
  tasks: TaskWithAttempts[]
  at = START

  constructor(quorums: readonly number[]) {
    const { job, tasks } = this.some.job(
      {},
      quorums.map((quorum) => ({ quorum, pending: quorum })),
    )
    this.job = job
    this.tasks = tasks.map((task) => ({ task, attempts: [] }))
    this.first = { job, tasks: [...this.tasks] }
  }

  /** Carries out what chance picked, if the state allows for it at all. */
  step(pick: Pick): void {
    this.at += 700
    const told = pick.what === 'repeat' ? this.log[pick.attempt % Math.max(1, this.log.length)] : this.#make(pick)
    if (told) this.tell(told)
  }

  tell(told: Told): void {
    const i = this.tasks.findIndex(({ task }) => task.taskId === told.taskId)
    const before = this.tasks[i]!
    const step = advanceTask(before.task, before.attempts, told.event, RULES)
    this.log.push(told)
    if (step.ignored) {
      assert.strictEqual(step.task, before.task)
      assert.deepEqual(step.attempts, [])
      return
    }
    assert.strictEqual(isOpen(before.task), true)
    for (const attemptId of step.freed) this.freed.set(attemptId, (this.freed.get(attemptId) ?? 0) + 1)
    this.incidents.push(...(step.incidents ?? []))
    if (step.verdict) this.verdicts.set(told.taskId, (this.verdicts.get(told.taskId) ?? 0) + 1)
    this.tasks[i] = { task: step.task, attempts: attemptsAfter(before.attempts, step.attempts) }
    const counted = { ...this.job, counts: sumCounts(this.job.counts, step.counts) }
    this.job = advanceJob(counted, { at: this.at, failure: step.task.failure?.detail })
  }

  #make(pick: Pick): Told | undefined {
    const { task, attempts } = this.tasks[pick.task]!
    const { taskId } = task
    const { jitter } = pick
    const at = this.at
    if (pick.what === 'stop') {
      const failure = { reason: 'deadline_passed', detail: 'at noon' } as const
      return pick.attempt < 2 ? { taskId, event: { type: 'stopped', at, failure } } : undefined
    }
    if (pick.what === 'cancel') return pick.attempt < 3 ? { taskId, event: { type: 'cancelled', at } } : undefined
    if (pick.what === 'place') {
      const fence = task.attempts + (pick.forged && pick.attempt < 3 ? 2 : 1)
      const attempt = this.some.attempt(task, { ...this.owners[pick.owner]!, fence, leasedAt: at })
      return { taskId, event: { type: 'placed', attempt } }
    }
    const attempt = attempts[pick.attempt % Math.max(1, attempts.length)]
    if (!attempt) return undefined
    const lease = { attemptId: attempt.attemptId, fence: attempt.fence + (pick.forged && pick.attempt < 3 ? 1 : 0) }
    if (pick.what === 'start') return { taskId, event: { type: 'started', ...lease, at } }
    if (pick.what === 'report') return { taskId, event: { type: 'reported', ...lease, at, report: this.#report(pick) } }
    if (pick.what === 'lose') {
      return { taskId, event: { type: 'lost', attemptId: attempt.attemptId, at, why: 'silent', jitter } }
    }
    if (pick.what === 'yield') {
      const why = 'for a better tier'
      return { taskId, event: { type: 'yielding', attemptId: attempt.attemptId, at, by: at + 2_000, why } }
    }
    if (pick.what === 'preempt') {
      return { taskId, event: { type: 'preempted', attemptId: attempt.attemptId, at, why: 'for a better tier' } }
    }
    return { taskId, event: { type: 'returned', ...lease, at, reason: 'evicted', jitter } }
  }

  #report({ answer }: Pick): Report {
    if (answer.length === 1) return this.some.report({ digest: answer.repeat(64) })
    const failure = { reason: answer as FailureReason, detail: 'as it happens' }
    return this.some.report({ outcome: { ok: false, failure }, digest: answer })
  }

  check(): void {
    for (const each of this.tasks) checkTask(each)
    const freed = new Set(this.freed.keys())
    const ended = this.tasks.flatMap(({ attempts }) => attempts.filter((attempt) => !isLive(attempt)))
    assert.deepEqual(freed, new Set(ended.map(({ attemptId }) => attemptId)))
    assert.strictEqual(
      [...this.freed.values()].every((times) => times === 1),
      true,
    )
    assert.strictEqual(
      [...this.verdicts.values()].every((times) => times === 1),
      true,
    )
    assert.deepEqual(this.job.counts, countTasks(this.tasks.map(({ task }) => task)))
    assert.deepEqual(auditJob(this.job, this.tasks), [])
    checkPay(this.tasks)
    checkIncidents(this.incidents, this.tasks)
  }
}

function checkTask({ task, attempts }: TaskWithAttempts): void {
  const live = attempts.filter(isLive)
  const wanted = task.quorum + RULES.extraReplicas
  assert.isAtMost(live.length + task.pending, wanted)
  assert.isAtLeast(task.pending, 0)
  assert.deepEqual(
    attempts.map(({ fence }) => fence),
    attempts.map((_, i) => i + 1),
  )
  assert.strictEqual(task.attempts, attempts.length)
  // What was preempted counts against nothing.
  const preempted = attempts.filter(({ status }) => status === 'preempted').length
  assert.isAtMost(attempts.length - preempted, wanted + RULES.maxAttempts)
  const working = attempts.filter((attempt) => isLive(attempt) || attempt.status === 'reported')
  assert.strictEqual(new Set(working.map(({ ownerId }) => ownerId)).size, working.length)
  assert.strictEqual(live.length + task.pending > 0, isOpen(task))
}

/** Each is found once, of an attempt that was interrupted or accepted, and broken exactly where it is over its bound. */
function checkIncidents(incidents: readonly Incident[], tasks: readonly TaskWithAttempts[]): void {
  const keys = incidents.map(({ taskId, kind, fence }) => `${taskId} ${kind} ${fence}`)
  assert.strictEqual(new Set(keys).size, keys.length)
  for (const { taskId, kind, fence, measured, bound, broken } of incidents) {
    const { task, attempts } = tasks.find((each) => each.task.taskId === taskId)!
    const attempt = attempts.find((each) => each.fence === fence)
    assert.strictEqual(broken, bound !== undefined && measured > bound)
    if (kind === 'queue_wait') assert.isDefined(task.startedAt)
    if (kind === 'restart') assert.include(['lost', 'returned', 'preempted'], attempt?.status)
    if (kind === 'run_stretch') assert.strictEqual(attempt?.attemptId, task.acceptedAttemptId)
  }
}

function checkPay(tasks: readonly TaskWithAttempts[]): void {
  const paid = payable(tasks)
  for (const { task, attempts } of tasks) {
    const mine = paid.filter(({ taskId }) => taskId === task.taskId)
    assert.strictEqual(mine.length, task.status === 'done' ? task.quorum : 0)
    if (mine.length === 0) continue
    assert.strictEqual(mine[0]!.attemptId, task.acceptedAttemptId)
    assert.strictEqual(new Set(mine.map(({ ownerId }) => ownerId)).size, mine.length)
    const reports = mine.map(({ attemptId }) => attempts.find((each) => each.attemptId === attemptId)!.report!)
    assert.strictEqual(new Set(reports.map(answerOf)).size, 1)
  }
}

const quorums = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: TASKS, maxLength: TASKS })
const stories = fc.array(picks, { maxLength: 80 })

test('no order, delay or repetition of messages breaks a task, its job, or what is freed and paid', () => {
  fc.assert(
    fc.property(quorums, stories, (wanted, story) => {
      const world = new World(wanted)
      for (const pick of story) {
        const before = { job: world.job, ended: world.tasks.filter(({ task }) => !isOpen(task)) }
        world.step(pick)
        world.check()
        expect(!isOver(before.job) || world.job === before.job).toBe(true)
        expect(before.ended.every((each) => world.tasks.includes(each))).toBe(true)
      }
    }),
    { numRuns: 400 },
  )
})

test('playing the log again gives the same state', () => {
  fc.assert(
    fc.property(quorums, stories, (wanted, story) => {
      const world = new World(wanted)
      for (const pick of story) world.step(pick)
      const again = new World(wanted)
      again.job = world.first.job
      again.tasks = [...world.first.tasks]
      for (const told of world.log) again.tell(told)
      expect(again.tasks).toEqual(world.tasks)
      expect(again.job.counts).toEqual(world.job.counts)
      expect(again.job.status).toBe(world.job.status)
      expect(again.incidents).toEqual(world.incidents)
    }),
  )
})

test('a store that takes in every step audits clean, and nothing is left over at the end', async () => {
  await fc.assert(
    fc.asyncProperty(quorums, stories, async (wanted, story) => {
      const world = new World(wanted)
      const database = new MemoryDatabase()
      const store = new MemoryJobStore(database)
      await database.transact(() =>
        store.addJob(
          world.job,
          world.tasks.map(({ task }) => task),
        ),
      )
      for (const pick of story) {
        const before = world.tasks
        world.tasks = [...before]
        world.step(pick)
        const changed = world.tasks.filter((each, i) => each !== before[i])
        await database.transact(async () => {
          for (const { task, attempts } of changed) {
            const known = (await store.findTask(task.taskId))!
            const ids = new Set(known.attempts.map(({ attemptId }) => attemptId))
            await store.saveTasks([task])
            await store.addAttempts(attempts.filter(({ attemptId }) => !ids.has(attemptId)))
            await store.saveAttempts(attempts.filter(({ attemptId }) => ids.has(attemptId)))
          }
          await store.saveJob(world.job)
        })
      }
      expect(await store.auditJobs()).toEqual([])
      const queued = await store.takeQueued(world.at + 1e9, 100)
      const open = world.tasks.filter(({ task }) => task.pending > 0)
      expect(new Set(queued.map(({ task }) => task.taskId))).toEqual(new Set(open.map(({ task }) => task.taskId)))
      expect(await store.listExpired(world.at + 1e9, 100)).toHaveLength(
        world.tasks.flatMap(({ attempts }) => attempts.filter(isLive)).length,
      )
    }),
  )
})
