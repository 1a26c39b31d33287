import { amount, type TaskId } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fixtures, START } from '../testing/index.ts'
import { TIER_TERMS, TIERS } from '../tier.ts'
import { creditsOf } from './credit.ts'
import type { Incident, PromiseKind } from './incidents.ts'

const some = new Fixtures(2)

function incident(taskId: TaskId, kind: PromiseKind, broken = true): Incident {
  return { taskId, jobId: some.id('job'), kind, fence: 1, at: START, measured: 9, bound: 5, broken }
}

const price = () => amount(1_001n)

test('half of the price of a task comes back once, whatever else was not kept of it', () => {
  const spec = some.spec({ tier: 'platinum' })
  const [first, second] = [some.id('task'), some.id('task')]
  const incidents = [incident(first, 'restart'), incident(first, 'run_stretch'), incident(second, 'restart', false)]
  expect(creditsOf({ spec, tasks: 2 }, incidents, price)).toEqual([
    { taskId: first, broken: ['restart', 'run_stretch'], credit: 500n },
  ])
})

test('a twentieth of the tasks may be late; of more, each counts', () => {
  const spec = some.spec({ tier: 'gold' })
  const late = Array.from({ length: 3 }, () => incident(some.id('task'), 'queue_wait'))
  expect(creditsOf({ spec, tasks: 60 }, late, price)).toEqual([])
  expect(creditsOf({ spec, tasks: 59 }, late, price)).toHaveLength(3)
  expect(creditsOf({ spec, tasks: 1 }, late.slice(0, 1), price)).toMatchObject([{ credit: 250n }])
})

test('bronze promises nothing, and what was not paid for gives nothing back', () => {
  const broken = [incident(some.id('task'), 'restart')]
  expect(creditsOf({ spec: some.spec({ tier: 'bronze' }), tasks: 1 }, broken, price)).toEqual([])
  expect(creditsOf({ spec: some.spec({ tier: 'platinum' }), tasks: 1 }, broken, () => amount(0n))).toEqual([])
})

test('never more than the tier names of the price, and a task once', () => {
  const found = fc.array(
    fc.record({
      task: fc.nat(9),
      kind: fc.constantFrom<PromiseKind>('queue_wait', 'restart', 'run_stretch'),
      broken: fc.boolean(),
    }),
  )
  const ids = Array.from({ length: 10 }, () => some.id('task'))
  fc.assert(
    fc.property(fc.constantFrom(...TIERS), found, fc.bigInt({ min: 0n, max: 10n ** 12n }), (tier, all, units) => {
      const incidents = all.map(({ task, kind, broken }) => incident(ids[task]!, kind, broken))
      const credits = creditsOf({ spec: some.spec({ tier }), tasks: 10 }, incidents, () => amount(units))
      expect(new Set(credits.map(({ taskId }) => taskId)).size).toBe(credits.length)
      for (const { credit } of credits) {
        expect(credit * 10_000n <= units * BigInt(TIER_TERMS[tier].creditBasisPoints)).toBe(true)
      }
    }),
  )
})
