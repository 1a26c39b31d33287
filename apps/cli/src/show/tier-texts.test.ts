import type { TiersView } from '@fog/contract'
import { expect, test } from 'vitest'
import { coloursOf } from './colours.ts'
import { tiersText } from './tier-texts.ts'

const row = (part: Partial<TiersView['tiers'][number]>): TiersView['tiers'][number] => ({
  tier: 'bronze',
  promises: { runStretch: 3, failureDomains: 1, preempts: [], creditPercent: 0 },
  started: 0,
  queueWait: {},
  restarts: { count: 0 },
  preempted: 0,
  broken: { queueWait: 0, restart: 0, runStretch: 0 },
  ...part,
})

test('what was measured stands beside what was promised, and what was not says so', () => {
  const text = tiersText(
    {
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-02T00:00:00.000Z',
      headroomCores: 4,
      tiers: [
        row({
          tier: 'gold',
          promises: { ...row({}).promises, queueWaitP95Ms: 60_000, restartMs: 60_000 },
          started: 120,
          queueWait: { p50Ms: 900, p95Ms: 61_000, p99Ms: 80_000 },
          waitKept: false,
          restarts: { count: 2, p95Ms: 9_000, maxMs: 9_000 },
          preempted: 1,
          broken: { queueWait: 7, restart: 0, runStretch: 1 },
        }),
        row({}),
      ],
    },
    coloursOf({ setting: 'never', isTerminal: true }),
  )
  const [, gold, bronze] = text.split('\n')
  expect(gold).toMatch(/^gold +120 +\S.* 7 waits, 1 slow run$/)
  expect(bronze!.match(/unknown/g)).toHaveLength(4)
  expect(text).toContain('4 cores kept for Platinum now.')
  expect(text).toMatch(/\nbronze +none +3 x +1 +none +none$/)
})
