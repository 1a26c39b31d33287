import { expect, test } from 'vitest'
import type { QuotaView } from '@fog/contract'
import { quotaRows } from './quota-rows.ts'

const QUOTA: QuotaView = {
  accountId: 'acct_0',
  openJobs: { used: 25, limit: 100, own: false },
  openTasks: { used: 0, limit: 0, own: true },
  cores: { used: 1.5, own: false },
  tokensPerDay: { used: '1000.5', limit: '2001', own: true },
}

test('each limit says what is used of it, and what has none says so', () => {
  expect(quotaRows(QUOTA).map(({ text, percent }) => [text, percent])).toEqual([
    ['25 of 100', 25],
    ['0 of 0', 100],
    ['1.5, without limit', undefined],
    ['1,000.5 of 2,001', 50],
  ])
})
