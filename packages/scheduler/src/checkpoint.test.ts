import { describe, expect, test } from 'vitest'
import { markOf, resumedFrom, type StatedCheckpoint, weighCheckpoint } from './checkpoint.ts'
import type { Attempt, Task } from './task.ts'
import { Fixtures, START } from './testing/index.ts'

const some = new Fixtures()
const { job, tasks } = some.job()
const task: Task = tasks[0]!
const rules = {
  limits: { ...job.spec.limits, fuel: 1_000n, diskBytes: 100 },
  maxBytes: 1_000,
  fuelPerCoreSecond: 1_000,
}
const AT = START + 10_000

const file = (path: string, size = 10) => ({ path, digest: 'ab'.repeat(32), size })
const stated = (part: Partial<StatedCheckpoint> = {}): StatedCheckpoint => ({
  sequence: 1,
  files: [file('at')],
  fuel: 500n,
  cpuMs: 1,
  wallMs: 2,
  signature: 'cd',
  ...part,
})
const running = (part: Partial<Attempt> = {}): Attempt =>
  some.attempt(task, { status: 'running', leasedAt: START, ...part })

function taken(attempt: Attempt, said: StatedCheckpoint, at = AT) {
  const outcome = weighCheckpoint(attempt, said, at, rules)
  if (outcome.kind !== 'taken') throw new Error(JSON.stringify(outcome))
  return outcome.checkpoint
}

describe('a checkpoint', () => {
  test('is taken from the attempt that holds the lease, with its own work at the end of the line', () => {
    const first = running()
    const one = taken(first, stated())
    const second = running({ fence: 2, resumedFrom: resumedFrom(one) })
    const two = taken(second, stated({ fuel: 100n }))
    expect(two.work.map(({ attemptId, fuel }) => ({ attemptId, fuel }))).toEqual([
      { attemptId: first.attemptId, fuel: 500n },
      { attemptId: second.attemptId, fuel: 100n },
    ])
    expect(markOf(two)).toEqual({ sequence: 1, at: AT, bytes: 10, fuel: 100n })
  })

  test('that comes again, or late, is there already', () => {
    const attempt = running()
    const marked = { ...attempt, checkpoint: markOf(taken(attempt, stated({ sequence: 3 }))) }
    expect(weighCheckpoint(marked, stated({ sequence: 3 }), AT, rules).kind).toBe('repeated')
    expect(weighCheckpoint(marked, stated({ sequence: 2 }), AT, rules).kind).toBe('repeated')
    expect(weighCheckpoint(marked, stated({ sequence: 4 }), AT, rules).kind).toBe('taken')
  })

  test.each([
    ['of an attempt without a lease', running({ status: 'lost' }), stated(), /no longer holds its lease/],
    [
      'larger than the disk of its task',
      running(),
      stated({ files: [file('a', 60), file('b', 60)] }),
      /120 bytes, and 100/,
    ],
    ['with a path twice', running(), stated({ files: [file('a'), file('a')] }), /a path twice/],
    ['with a path out of its folder', running(), stated({ files: [file('../a')] }), /leaves \/state/],
    ['with more fuel than the task has', running(), stated({ fuel: 1_001n }), /more fuel than the task has/],
    ['with more fuel than time allows', running({ leasedAt: AT }), stated({ fuel: 2_500n }), /more fuel than/],
  ] as const)('%s is refused', (_, attempt, said, why) => {
    const roomy = { ...rules, limits: { ...rules.limits, fuel: attempt.leasedAt === AT ? 10_000n : 1_000n } }
    expect(weighCheckpoint(attempt, said, AT, roomy)).toMatchObject({
      kind: 'refused',
      why: expect.stringMatching(why),
    })
  })

  test('leaves those after it no more fuel than the task has, and never goes back', () => {
    const one = taken(running(), stated({ fuel: 800n }))
    const second = running({ fence: 2, resumedFrom: resumedFrom(one) })
    expect(weighCheckpoint(second, stated({ fuel: 201n }), AT, rules).kind).toBe('refused')
    const two = taken(second, stated({ fuel: 200n }))
    const marked = { ...second, checkpoint: markOf(two) }
    expect(weighCheckpoint(marked, stated({ sequence: 2, fuel: 199n }), AT, rules)).toMatchObject({ kind: 'refused' })
  })
})
