import { seededRng } from '@fog/kernel'
import { describe, expect, test } from 'vitest'
import { advanceJob, payable } from './job-life.ts'
import type { Job, TaskCounts } from './job.ts'
import { spotCheck } from './spot-check.ts'
import { NO_COUNTS } from './states.ts'
import type { Attempt, Task } from './task.ts'
import { Fixtures, START } from './testing/index.ts'

const some = new Fixtures()
const AT = START + 500

function job(counts: Partial<TaskCounts>, part: Partial<Job> = {}): Job {
  return { ...some.job().job, counts: { ...NO_COUNTS, ...counts }, ...part }
}

describe('a job', () => {
  test('stays as it is, the very same, while nothing of note happens', () => {
    const queued = job({ queued: 3 })
    expect(advanceJob(queued, { at: AT })).toBe(queued)
    const running = job({ queued: 1, running: 2 }, { status: 'running', startedAt: START })
    expect(advanceJob(running, { at: AT })).toBe(running)
  })

  test('runs from the first start on, also when all its tasks wait again', () => {
    const running = advanceJob(job({ queued: 2, running: 1 }), { at: AT })
    expect(running).toMatchObject({ status: 'running', startedAt: AT })
    const waiting = { ...running, counts: { ...NO_COUNTS, queued: 3 } }
    expect(advanceJob(waiting, { at: AT + 1 })).toBe(waiting)
  })

  test.each([
    [{ done: 3 }, 'succeeded'],
    [{ done: 2, failed: 1 }, 'failed'],
    [{ done: 1, failed: 1, cancelled: 1 }, 'cancelled'],
  ] as const)('with tasks %o is over: %s', (counts, status) => {
    const before = job(counts, { status: 'running', startedAt: START })
    expect(advanceJob(before, { at: AT })).toMatchObject({ status, startedAt: START, finishedAt: AT })
  })

  test('keeps the reason of the first task that failed', () => {
    const first = advanceJob(job({ running: 2, failed: 1 }), { at: AT, failure: 'It trapped.' })
    expect(first).toMatchObject({ status: 'running', failure: 'It trapped.' })
    const second = advanceJob({ ...first, counts: { ...NO_COUNTS, failed: 3 } }, { at: AT, failure: 'It looped.' })
    expect(second).toMatchObject({ status: 'failed', failure: 'It trapped.' })
  })

  test('that is over stays over', () => {
    const over = job({ done: 1 }, { status: 'succeeded', finishedAt: START })
    expect(advanceJob(over, { at: AT, failure: 'late' })).toBe(over)
  })
})

describe('what is paid', () => {
  test('is each agreeing report of a done task, and neither dissent nor loss', () => {
    const done = task({ status: 'done', quorum: 2 })
    const attempts = [
      reported(done, 1, 'b'),
      reported(done, 2, 'a', 7n),
      some.attempt(done, { fence: 3, status: 'lost' }),
      reported(done, 4, 'a', 7n),
    ]
    const [, second, , fourth] = attempts
    const paid = payable([{ task: { ...done, acceptedAttemptId: second!.attemptId }, attempts }])
    expect(paid).toEqual(
      [second!, fourth!].map(({ attemptId, taskId, nodeId, ownerId }) => ({
        attemptId,
        taskId,
        nodeId,
        ownerId,
        index: done.index,
        fuel: 7n,
        fuelBefore: 0n,
        cpuMs: second!.report!.cpuMs,
        wallMs: second!.report!.wallMs,
        kind: 'result',
      })),
    )
  })

  test('is also what was done up to the checkpoint that the accepted one went on from, to whom it is due, in order', () => {
    const done = task({ status: 'done', quorum: 1 })
    const [first, second] = [
      some.attempt(done, { fence: 1, status: 'lost' }),
      some.attempt(done, { fence: 2, status: 'lost' }),
    ]
    const workOf = ({ attemptId, nodeId, ownerId }: Attempt, fuel: bigint) => {
      return { attemptId, nodeId, ownerId, fuel, cpuMs: 1, wallMs: 2 }
    }
    const work = [workOf(first, 5n), workOf(second, 3n)]
    const resumedFrom = { attemptId: second.attemptId, sequence: 4, at: START, bytes: 10, work }
    const third = { ...reported(done, 3, 'a', 7n), resumedFrom }
    const accepted = { ...done, acceptedAttemptId: third.attemptId }
    const paid = payable([{ task: accepted, attempts: [first, second, third] }])
    expect(paid.map(({ attemptId, fuel, fuelBefore, kind }) => ({ attemptId, fuel, fuelBefore, kind }))).toEqual([
      { attemptId: first.attemptId, fuel: 5n, fuelBefore: 0n, kind: 'checkpoint' },
      { attemptId: second.attemptId, fuel: 3n, fuelBefore: 5n, kind: 'checkpoint' },
      { attemptId: third.attemptId, fuel: 7n, fuelBefore: 8n, kind: 'result' },
    ])
    expect(payable([{ task: { ...accepted, status: 'failed' }, attempts: [first, second, third] }])).toEqual([])
  })

  test('is never more than the quorum, nor one owner twice', () => {
    const done = task({ status: 'done', quorum: 1 })
    const attempts = [reported(done, 1, 'a'), reported(done, 2, 'a')]
    const accepted = { ...done, acceptedAttemptId: attempts[0]!.attemptId }
    expect(payable([{ task: accepted, attempts }])).toHaveLength(1)
    const twice = attempts.map((attempt) => ({ ...attempt, ownerId: attempts[0]!.ownerId }))
    expect(payable([{ task: { ...accepted, quorum: 2 }, attempts: twice }])).toHaveLength(1)
  })

  test('is nothing for a task that failed or was cancelled', () => {
    const failed = task({ status: 'failed', failure: { reason: 'trapped', detail: '' } })
    const attempt = reported(failed, 1, 'a')
    const named = { ...failed, acceptedAttemptId: attempt.attemptId }
    expect(payable([{ task: named, attempts: [attempt] }])).toEqual([])
    expect(payable([{ task: { ...named, status: 'cancelled' }, attempts: [attempt] }])).toEqual([])
  })
})

describe('spot checks', () => {
  const single = { verification: { quorum: 1, spotCheckBasisPoints: 1_000 } }

  test('take about the share they should', () => {
    const rng = seededRng(5)
    const checked = Array.from({ length: 10_000 }, () => spotCheck(single, 3, rng)).filter((quorum) => quorum === 2)
    expect(checked.length).toBeGreaterThan(900)
    expect(checked.length).toBeLessThan(1_100)
  })

  test('leave a quorum alone, and ask for no second owner where there is none', () => {
    const always = { verification: { quorum: 1, spotCheckBasisPoints: 10_000 } }
    expect(spotCheck(always, 2, seededRng(1))).toBe(2)
    expect(spotCheck(always, 1, seededRng(1))).toBe(1)
    expect(spotCheck({ verification: { quorum: 3, spotCheckBasisPoints: 0 } }, 9, seededRng(1))).toBe(3)
  })
})

function task(part: Partial<Task>): Task {
  return { ...some.job({}, [{}]).tasks[0]!, pending: 0, ...part }
}

function reported(of: Task, fence: number, digest: string, fuel = 10n): Attempt {
  return some.attempt(of, { fence, status: 'reported', report: some.report({ digest: digest.repeat(64), fuel }) })
}
