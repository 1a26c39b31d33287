import { randomBelow, seededRng } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readKthSp2 } from '../../../../benches/queue/kth-sp2.ts'
import { fared } from './measure.ts'
import { CONSERVATIVE, EASY, EASY_SHORTEST_FIRST, FOG, POLICIES } from './policies.ts'
import { FIRST_COME } from './first-come.ts'
import type { RanJob, RigidJob, Trace } from './rigid-job.ts'
import { type Policy, simulate } from './simulate.ts'

const trace = readKthSp2()

/** Jobs as `[submitted, width, runs, asks]`. */
function makeTrace(processors: number, jobs: readonly (readonly [number, number, number, number])[]): Trace {
  const made = jobs.map(([submittedAt, width, runSeconds, askedSeconds], i): RigidJob => ({
    jobNumber: i + 1,
    submittedAt,
    width,
    runSeconds,
    askedSeconds,
    user: i % 3,
    program: -1,
  }))
  return { name: 'made up', processors, jobs: made }
}

function starts(made: Trace, policy: Policy): number[] {
  const ran = new Map(simulate(made, policy).map(({ job, startedAt }) => [job.jobNumber, startedAt]))
  return made.jobs.map(({ jobNumber }) => ran.get(jobNumber)!)
}

describe('on KTH-SP2 with what users asked for', () => {
  const of = (policy: Policy) => fared(simulate(trace, policy))

  test('first come, first served has a mean bounded slowdown of 7519', () => {
    expect(of(FIRST_COME).boundedSlowdown.mean).toBeCloseTo(7519, -0.5)
  })

  test('EASY has one of 89.4, and a longest wait of 262,194 s', () => {
    const { boundedSlowdown, waitSeconds } = of(EASY)
    expect(boundedSlowdown.mean).toBeCloseTo(89.4, 1)
    expect(waitSeconds.max).toBe(262_194)
  })

  test('EASY shortest-first has one of 71.3', () => {
    expect(Math.abs(of(EASY_SHORTEST_FIRST).boundedSlowdown.mean - 71.3)).toBeLessThan(0.1)
  })

  test('ours has one of at most 67, and nobody waits longer than the last one under EASY', () => {
    const { boundedSlowdown, waitSeconds } = of(FOG)
    expect(boundedSlowdown.mean).toBeLessThanOrEqual(67)
    expect(waitSeconds.max).toBeLessThanOrEqual(262_194)
  })
})

describe('on a machine of ten processors', () => {
  // The second job needs all ten; the third would end after the first, the fourth before it.
  const made = makeTrace(10, [
    [0, 6, 100, 100],
    [1, 10, 50, 50],
    [2, 4, 200, 200],
    [3, 4, 90, 90],
  ])

  test('first come, first served lets nobody pass', () => {
    expect(starts(made, FIRST_COME)).toEqual([0, 100, 150, 150])
  })

  test('EASY and conservative let pass who is done before the one that waits first', () => {
    expect(starts(made, EASY)).toEqual([0, 100, 150, 3])
    expect(starts(made, CONSERVATIVE)).toEqual([0, 100, 150, 3])
  })

  test('EASY guards the first that waits only, conservative every one', () => {
    // The fourth fits beside the first until 200, and so delays the third, which has 150 by right.
    const crowded = makeTrace(10, [
      [0, 5, 100, 100],
      [1, 6, 50, 50],
      [2, 7, 50, 50],
      [3, 4, 190, 190],
    ])
    expect(starts(crowded, EASY)).toEqual([0, 100, 193, 3])
    expect(starts(crowded, CONSERVATIVE)).toEqual([0, 100, 150, 200])
  })
})

test('no policy exceeds its machine, starts a job before it came, or forgets one; each is the same when run again', () => {
  const traces = fc.record({ seed: fc.nat(), jobs: fc.integer({ min: 1, max: 60 }) }).map(({ seed, jobs }) => {
    const rng = seededRng(seed)
    return makeTrace(
      16,
      Array.from({ length: jobs }, (_, i) => {
        const runs = randomBelow(rng, 50_000)
        return [
          i * randomBelow(rng, 900),
          1 + randomBelow(rng, 16),
          runs,
          Math.max(1, runs) * (1 + randomBelow(rng, 4)),
        ]
      }).sort(([a], [b]) => a! - b!) as [number, number, number, number][],
    )
  })
  fc.assert(
    fc.property(traces, fc.constantFrom(...POLICIES), (made, policy) => {
      const ran = simulate(made, policy)
      expect(ran.length).toBe(made.jobs.length)
      expect(ran.every(({ job, startedAt }) => startedAt >= job.submittedAt)).toBe(true)
      expect(mostAtOnce(ran)).toBeLessThanOrEqual(made.processors)
      expect(simulate(made, policy)).toEqual(ran)
    }),
    { numRuns: 150 },
  )
})

test('with true estimates, conservative starts nobody later than first come, first served', () => {
  const made = makeTrace(
    16,
    Array.from({ length: 200 }, (_, i) => [i * 40, 1 + ((i * 7) % 16), 30 + ((i * 37) % 400), 30 + ((i * 37) % 400)]),
  )
  const fair = starts(made, FIRST_COME)
  expect(starts(made, CONSERVATIVE).every((startedAt, i) => startedAt <= fair[i]!)).toBe(true)
})

/** Ends count before starts of the same second. */
function mostAtOnce(ran: readonly RanJob[]): number {
  const changes = ran.flatMap(({ job, startedAt }) => [
    { at: startedAt, width: job.width },
    { at: startedAt + job.runSeconds, width: -job.width },
  ])
  changes.sort((a, b) => a.at - b.at || a.width - b.width)
  let used = 0
  return changes.reduce((most, { width }) => Math.max(most, (used += width)), 0)
}
