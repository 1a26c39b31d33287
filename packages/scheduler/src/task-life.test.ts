import { describe, expect, test } from 'vitest'
import { NO_COUNTS } from './states.ts'
import { advanceTask, attemptsAfter, taskRules, type TaskEvent, type TaskRules, type TaskStep } from './task-life.ts'
import type { Attempt, Task } from './task.ts'
import { Fixtures, START } from './testing/index.ts'

const RULES: TaskRules = {
  maxAttempts: 3,
  extraReplicas: 1,
  backoffMs: 1_000,
  longestBackoffMs: 4_000,
  isTrusted: () => true,
}

/** One task whose story is told step by step; every step is kept. */
class Story {
  readonly some = new Fixtures()
  readonly rules: TaskRules
  task: Task
  attempts: Attempt[] = []

  constructor(part: Partial<Task> = {}, rules: TaskRules = RULES) {
    this.rules = rules
    const quorum = part.quorum ?? 1
    this.task = this.some.job({}, [{ pending: quorum, ...part, quorum }]).tasks[0]!
  }

  tell(event: TaskEvent): TaskStep {
    const step = advanceTask(this.task, this.attempts, event, this.rules)
    this.task = step.task
    if (!step.ignored) this.attempts = attemptsAfter(this.attempts, step.attempts)
    return step
  }

  place(part: Partial<Attempt> = {}): Attempt {
    const attempt = this.some.attempt(this.task, part)
    this.tell({ type: 'placed', attempt })
    return attempt
  }

  start({ attemptId, fence }: Attempt, at = START + 10): TaskStep {
    return this.tell({ type: 'started', attemptId, fence, at })
  }

  report({ attemptId, fence }: Attempt, digest = 'a', at = START + 100): TaskStep {
    const report = this.some.report({ digest: digest.repeat(64) })
    return this.tell({ type: 'reported', attemptId, fence, report, at })
  }

  fail({ attemptId, fence }: Attempt, at = START + 100): TaskStep {
    const outcome = { ok: false, failure: { reason: 'exit_nonzero', detail: 'exit code 3' } } as const
    const report = this.some.report({ outcome, exitCode: 3 })
    return this.tell({ type: 'reported', attemptId, fence, report, at })
  }

  lose({ attemptId }: Attempt, at = START + 100, jitter = 1): TaskStep {
    return this.tell({ type: 'lost', attemptId, at, why: 'the node went silent', jitter })
  }

  giveBack({ attemptId, fence }: Attempt, at = START + 100): TaskStep {
    return this.tell({ type: 'returned', attemptId, fence, at, reason: 'evicted: battery 62 %', jitter: 0 })
  }

  cancel(at = START + 100): TaskStep {
    return this.tell({ type: 'cancelled', at })
  }
}

describe('a task', () => {
  test('is placed, runs, and is done with its report', () => {
    const story = new Story()
    const attempt = story.place()
    expect(story.task).toMatchObject({ status: 'queued', pending: 0, attempts: 1 })
    expect(story.start(attempt).counts).toEqual({ ...NO_COUNTS, queued: -1, running: 1 })
    const step = story.report(attempt)
    expect(step.counts).toEqual({ ...NO_COUNTS, running: -1, done: 1 })
    expect(step.freed).toEqual([attempt.attemptId])
    expect(step.verdict).toEqual({ kind: 'done', agreed: [attempt.attemptId], dissent: [] })
    expect(story.task).toMatchObject({
      status: 'done',
      acceptedAttemptId: attempt.attemptId,
      startedAt: START + 10,
      finishedAt: START + 100,
    })
    expect(story.attempts[0]).toMatchObject({ status: 'reported', startedAt: START + 10, endedAt: START + 100 })
  })

  test('whose start was never heard of began as long before its report as it says it ran', () => {
    const story = new Story()
    const attempt = story.place()
    story.report(attempt, 'a', START + 2_000)
    expect(story.attempts[0]!.startedAt).toBe(START + 1_160)
    expect(story.task.startedAt).toBe(START + 1_160)
  })

  test('that fails by itself fails once, with that reason', () => {
    const story = new Story()
    const step = story.fail(story.place())
    expect(step.verdict?.kind).toBe('failed')
    expect(story.task).toMatchObject({ status: 'failed', pending: 0, failure: { reason: 'exit_nonzero' } })
  })

  test('that is cancelled stops its attempts and frees them', () => {
    const story = new Story({ quorum: 2 })
    const first = story.place()
    const second = story.place()
    story.start(first)
    const step = story.cancel()
    expect(step.freed).toEqual([first.attemptId, second.attemptId])
    expect(step.attempts.map(({ status }) => status)).toEqual(['cancelled', 'cancelled'])
    expect(step.counts).toEqual({ ...NO_COUNTS, running: -1, cancelled: 1 })
    expect(story.task).toMatchObject({ status: 'cancelled', pending: 0, finishedAt: START + 100 })
    expect(story.cancel().ignored).toBe('task_over')
  })
})

describe('a lost attempt', () => {
  test('puts the task back in the queue, to be placed again after a while', () => {
    const story = new Story()
    const attempt = story.place()
    story.start(attempt)
    const step = story.lose(attempt)
    expect(step.freed).toEqual([attempt.attemptId])
    expect(step.counts).toEqual({ ...NO_COUNTS, running: -1, queued: 1 })
    expect(story.task).toMatchObject({ status: 'queued', pending: 1, notBefore: START + 1_100, queuedAt: START })
    expect(story.attempts[0]).toMatchObject({ status: 'lost', note: 'the node went silent' })
  })

  test('backs off twice as long each time, up to the longest, with jitter down to half', () => {
    const story = new Story({}, { ...RULES, maxAttempts: 10 })
    const waits = [1, 1, 1, 1, 0].map((jitter) => {
      story.lose(story.place(), START, jitter)
      return story.task.notBefore - START
    })
    expect(waits).toEqual([1_000, 2_000, 4_000, 4_000, 4_000])
    const short = new Story()
    short.lose(short.place(), START, 0)
    expect(short.task.notBefore - START).toBe(500)
  })

  test('does not come back to life with a late result', () => {
    const story = new Story()
    const late = story.place()
    story.lose(late)
    expect(story.report(late).ignored).toBe('no_lease')
    expect(story.start(late).ignored).toBe('no_lease')
    const next = story.place()
    expect(story.report(late).ignored).toBe('no_lease')
    expect(story.report(next).verdict?.agreed).toEqual([next.attemptId])
    expect(story.report(late).ignored).toBe('task_over')
  })

  test('too many fail the task for want of attempts, and say what the last one met', () => {
    const story = new Story()
    story.lose(story.place())
    story.giveBack(story.place())
    const step = story.giveBack(story.place())
    expect(story.task).toMatchObject({ status: 'failed', pending: 0, failure: { reason: 'attempts_exhausted' } })
    expect(story.task.failure?.detail).toBe('3 attempts, the last: evicted: battery 62 %')
    expect(step.verdict).toBeUndefined()
    expect(step.counts).toEqual({ ...NO_COUNTS, queued: -1, failed: 1 })
  })

  test('beside a live replica leaves that one its chance', () => {
    const story = new Story({ quorum: 2 })
    const [first, second] = [story.place(), story.place()]
    story.start(first)
    story.lose(second)
    expect(story.task).toMatchObject({ status: 'running', pending: 1 })
    story.report(first)
    expect(story.task).toMatchObject({ status: 'running', pending: 1 })
    story.report(story.place())
    expect(story.task.status).toBe('done')
  })

  test('that was the last allowed stops the replica that still runs', () => {
    const story = new Story({ quorum: 2 }, { ...RULES, maxAttempts: 1 })
    const [first, second] = [story.place(), story.place()]
    const step = story.lose(first)
    expect(step.freed).toEqual([first.attemptId, second.attemptId])
    expect(story.attempts.map(({ status }) => status)).toEqual(['lost', 'cancelled'])
  })
})

describe('a preempted attempt', () => {
  const preempted = (story: Story, { attemptId }: Attempt, at = START + 100) =>
    story.tell({ type: 'preempted', attemptId, at, why: 'a platinum task needs its room' })

  test('puts the task back in the queue at once, and counts against nothing', () => {
    const story = new Story({}, { ...RULES, maxAttempts: 1 })
    for (let times = 0; times < 5; times += 1) {
      const attempt = story.place()
      story.start(attempt)
      const step = preempted(story, attempt)
      expect(step.freed).toEqual([attempt.attemptId])
      expect(step.counts).toEqual({ ...NO_COUNTS, running: -1, queued: 1 })
      expect(story.task).toMatchObject({ status: 'queued', pending: 1, notBefore: START, queuedAt: START })
    }
    expect(story.attempts[0]).toMatchObject({ status: 'preempted', note: 'a platinum task needs its room' })
    story.report(story.place())
    expect(story.task.status).toBe('done')
  })

  test('frees its room once, and its late result does not count', () => {
    const story = new Story()
    const attempt = story.place()
    preempted(story, attempt)
    expect(preempted(story, attempt).ignored).toBe('no_lease')
    expect(story.report(attempt).ignored).toBe('no_lease')
    expect(story.lose(attempt).ignored).toBe('no_lease')
  })

  test('may end or keep what it has in the time it is given', () => {
    const yielding = ({ attemptId }: Attempt) =>
      ({
        type: 'yielding',
        attemptId,
        at: START + 50,
        by: START + 2_050,
        why: 'a platinum task needs its room',
      }) as const
    const story = new Story({}, { ...RULES, maxAttempts: 1 })
    const first = story.place()
    story.start(first)
    expect(story.tell(yielding(first))).toMatchObject({ freed: [], counts: NO_COUNTS })
    expect(story.tell(yielding(first)).ignored).toBe('repeated')
    expect(story.attempts[0]).toMatchObject({ status: 'running', yieldBy: START + 2_050 })
    story.giveBack(first)
    expect(story.attempts[0]).toMatchObject({ status: 'preempted', note: 'a platinum task needs its room' })
    expect(story.task).toMatchObject({ status: 'queued', notBefore: START })
    const second = story.place()
    story.tell(yielding(second))
    story.lose(second)
    expect(story.attempts[1]!.status).toBe('preempted')
    const third = story.place()
    story.tell(yielding(third))
    story.report(third)
    expect(story.task).toMatchObject({ status: 'done', acceptedAttemptId: third.attemptId })
  })
})

describe('replicas', () => {
  test('that disagree cost a third, and the one who stood alone is named', () => {
    const story = new Story({ quorum: 2 })
    const [first, second] = [story.place(), story.place()]
    story.report(first, 'a')
    const disagreement = story.report(second, 'b')
    expect(disagreement.verdict).toBeUndefined()
    expect(story.task).toMatchObject({ status: 'running', pending: 1, notBefore: START })
    const third = story.place()
    const step = story.report(third, 'b')
    expect(step.verdict).toEqual({
      kind: 'done',
      agreed: [second.attemptId, third.attemptId],
      dissent: [first.attemptId],
    })
    expect(step.attempts.map(({ attemptId }) => attemptId)).toEqual([third.attemptId, first.attemptId])
    expect(story.attempts[0]!.note).toBe('2 other nodes agreed on another result')
    expect(story.task.acceptedAttemptId).toBe(second.attemptId)
  })

  test('that never agree fail the task', () => {
    const story = new Story({ quorum: 2 }, { ...RULES, isTrusted: () => false })
    const [first, second] = [story.place(), story.place()]
    story.report(first, 'a')
    story.report(second, 'b')
    const step = story.report(story.place(), 'c')
    expect(step.verdict?.kind).toBe('no_agreement')
    expect(story.task).toMatchObject({ status: 'failed', failure: { reason: 'no_agreement' } })
    expect(story.task.acceptedAttemptId).toBeUndefined()
  })

  test('are placed with distinct owners only', () => {
    const story = new Story({ quorum: 2 })
    const first = story.place()
    const again = story.some.attempt(story.task, { ownerId: first.ownerId })
    const refused = story.tell({ type: 'placed', attempt: again })
    expect(refused).toMatchObject({ ignored: 'not_distinct', freed: [again.attemptId] })
    story.lose(first)
    expect(story.tell({ type: 'placed', attempt: again }).ignored).toBeUndefined()
  })
})

describe('what comes twice, late or forged changes nothing', () => {
  test('a second start, a report repeated, a stranger, another fence', () => {
    const story = new Story({ quorum: 2 })
    const [first] = [story.place(), story.place()]
    story.start(first)
    expect(story.start(first).ignored).toBe('repeated')
    expect(story.report({ ...first, fence: 9 }).ignored).toBe('wrong_fence')
    expect(story.report(story.some.attempt(story.task)).ignored).toBe('unknown_attempt')
    story.report(first)
    const before = story.task
    const repeated = story.report(first, 'b')
    expect(repeated).toEqual({ task: before, attempts: [], freed: [], counts: NO_COUNTS, ignored: 'no_lease' })
  })

  test('a placement nobody wants gives its reservation back; one repeated does not', () => {
    const story = new Story()
    const placed = story.place()
    const extra = story.some.attempt(story.task)
    expect(story.tell({ type: 'placed', attempt: extra })).toMatchObject({
      ignored: 'not_wanted',
      freed: [extra.attemptId],
    })
    expect(story.tell({ type: 'placed', attempt: placed })).toMatchObject({ ignored: 'repeated', freed: [] })
    story.lose(placed)
    expect(story.tell({ type: 'placed', attempt: { ...extra, fence: 7 } }).ignored).toBe('wrong_fence')
    story.cancel()
    expect(story.tell({ type: 'placed', attempt: { ...extra, fence: 2 } })).toMatchObject({
      ignored: 'task_over',
      freed: [extra.attemptId],
    })
  })
})

test('a tier that promises a restart backs off for half that time at most', () => {
  const some = new Fixtures()
  const longest = (tier: 'platinum' | 'bronze') => taskRules(some.spec({ tier }), () => true).longestBackoffMs
  expect(longest('platinum')).toBe(2_500)
  expect(longest('bronze')).toBe(60_000)
})

describe('a program that fails where failures are tried again', () => {
  const rules: TaskRules = { ...RULES, retryOn: ['exit_nonzero'] }

  test('goes back to the queue, backs off, and keeps what it reported', () => {
    const story = new Story({}, rules)
    const attempt = story.place()
    const { freed, ignored } = story.fail(attempt)
    expect([freed, ignored]).toEqual([[attempt.attemptId], undefined])
    expect(story.task).toMatchObject({ status: 'queued', pending: 1 })
    expect(story.task.notBefore).toBeGreaterThan(START + 100)
    expect(story.attempts[0]).toMatchObject({
      status: 'returned',
      report: { exitCode: 3 },
      note: 'exit_nonzero (exit code 3), tried again',
    })
  })

  test('fails with its own reason once it was tried as often as allowed', () => {
    const story = new Story({}, rules)
    for (let i = 0; i < 3; i += 1) story.fail(story.place())
    expect(story.task).toMatchObject({ status: 'failed', pending: 0, failure: { reason: 'exit_nonzero' } })
    expect(story.attempts.map(({ status }) => status)).toEqual(['returned', 'returned', 'reported'])
  })

  test('fails at once for a reason that was not named', () => {
    const story = new Story({}, { ...RULES, retryOn: ['trapped'] })
    story.fail(story.place())
    expect(story.task.status).toBe('failed')
  })
})

test('a task that is stopped fails with the reason given, and whoever works on it is told', () => {
  const story = new Story()
  const attempt = story.place()
  story.start(attempt)
  const failure = { reason: 'deadline_passed', detail: 'at noon' } as const
  const stopped = story.tell({ type: 'stopped', at: START + 50, failure })
  expect(story.task).toMatchObject({ status: 'failed', failure, pending: 0, finishedAt: START + 50 })
  expect(stopped.freed).toEqual([attempt.attemptId])
  expect(story.attempts[0]?.status).toBe('cancelled')
  expect(story.tell({ type: 'stopped', at: START + 60, failure }).ignored).toBe('task_over')
})
