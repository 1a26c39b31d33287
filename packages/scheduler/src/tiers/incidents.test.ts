import { describe, expect, test } from 'vitest'
import type { Attempt, Task } from '../task.ts'
import { Fixtures, START } from '../testing/index.ts'
import { incidentsOf, interruptedAt, overdueWait, type Promises, promisesOf } from './incidents.ts'

const some = new Fixtures(8)
const promises = { queueWaitP95Ms: 5_000, restartMs: 10_000, runStretch: 1.05 }

function task(part: Partial<Task> = {}): Task {
  return some.job({}, [part]).tasks[0]!
}

/** The step in which an attempt of the task begins. */
function begins(before: Task, attempts: readonly Attempt[], begun: Attempt, at: number) {
  const started: Attempt = { ...begun, status: 'running', startedAt: at }
  const after = { task: { ...before, startedAt: before.startedAt ?? at }, attempts: [started] }
  return incidentsOf({ task: before, attempts: [...attempts, begun] }, after, promises)
}

describe('the wait in the queue', () => {
  test('is broken when the first attempt begins after the bound, not at it', () => {
    const queued = task()
    expect(begins(queued, [], some.attempt(queued), START + 5_000)).toEqual([])
    expect(begins(queued, [], some.attempt(queued), START + 5_001)).toEqual([overdueWait(queued, START + 5_001, 5_000)])
    const { taskId, jobId } = queued
    expect(overdueWait(queued, START + 5_001, 5_000)).toEqual({
      taskId,
      jobId,
      kind: 'queue_wait',
      fence: 0,
      at: START + 5_001,
      measured: 5_001,
      bound: 5_000,
      broken: true,
    })
  })

  test('is of the first attempt alone', () => {
    const begun = task({ startedAt: START + 1_000 })
    expect(begins(begun, [], some.attempt(begun, { fence: 2 }), START + 99_000)).toEqual([])
  })
})

describe('a restart', () => {
  const begun = task({ startedAt: START })
  const lost = some.attempt(begun, {
    fence: 1,
    status: 'lost',
    startedAt: START,
    endedAt: START + 30_000,
    leaseExpiresAt: START + 30_000,
    leaseMs: 5_000,
  })

  test('is counted from when the node was heard of last, and kept within the bound', () => {
    expect(interruptedAt(lost)).toBe(START + 25_000)
    const again = some.attempt(begun, { fence: 2 })
    expect(begins(begun, [lost], again, START + 35_000)).toMatchObject([
      { kind: 'restart', fence: 1, measured: 10_000, bound: 10_000, broken: false },
    ])
    expect(begins(begun, [lost], again, START + 35_001)).toMatchObject([{ measured: 10_001, broken: true }])
  })

  test('makes up for an attempt once, and for none that never began', () => {
    const made = some.attempt(begun, { fence: 2, status: 'running', startedAt: START + 31_000 })
    expect(begins(begun, [lost, made], some.attempt(begun, { fence: 3 }), START + 90_000)).toEqual([])
    const { startedAt: _, ...unbegun } = lost
    expect(begins(begun, [unbegun], some.attempt(begun, { fence: 2 }), START + 90_000)).toEqual([])
  })

  test('of what was given back or made room counts from that moment, and is no breach where nothing is promised', () => {
    const preempted = { ...lost, status: 'preempted' as const }
    expect(interruptedAt(preempted)).toBe(START + 30_000)
    const running: Attempt = { ...some.attempt(begun, { fence: 2 }), status: 'running', startedAt: START + 900_000 }
    const after = { task: begun, attempts: [running] }
    const bronze = promisesOf({ tier: 'bronze' })
    const { startedAt: _, ...leased } = running
    expect(incidentsOf({ task: begun, attempts: [preempted, leased] }, after, bronze)).toMatchObject([
      { kind: 'restart', measured: 870_000, bound: undefined, broken: false },
    ])
  })
})

describe('the run stretch', () => {
  const stretched = (wallMs: number, of: Promises = promises) => {
    const open = task({ startedAt: START })
    const running = some.attempt(open, { status: 'running', startedAt: START })
    const reported: Attempt = { ...running, status: 'reported', report: some.report({ cpuMs: 10_000, wallMs }) }
    const done: Task = { ...open, status: 'done', acceptedAttemptId: running.attemptId }
    const before = { task: open, attempts: [running] }
    return incidentsOf(before, { task: done, attempts: [reported] }, of)
  }

  test('is broken where the run took longer than promised and the grace', () => {
    expect(stretched(11_000)).toEqual([])
    expect(stretched(11_001)).toMatchObject([{ kind: 'run_stretch', fence: 1, measured: 1_100, bound: 1_050 }])
  })

  test('is promised only of programs that were seen not to sleep', () => {
    expect(stretched(99_000, promisesOf({ tier: 'platinum', maySleep: true }))).toEqual([])
    expect(promisesOf({ tier: 'platinum' }).runStretch).toBeUndefined()
    expect(promisesOf({ tier: 'platinum', maySleep: false }).runStretch).toBe(1.05)
  })
})
