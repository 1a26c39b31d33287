import { amount, ZERO } from '@fog/kernel'
import type { AccountId, TransferId } from '@fog/kernel'
import { expect, test } from 'vitest'
import { brokenRules } from './audit.ts'
import type { LedgerSums } from './ledger-store.ts'

const SOUND: LedgerSums = {
  accounts: 5,
  transfers: 3,
  holdsOpen: 1,
  total: ZERO,
  unbalanced: [],
  drifted: [],
  overdrawn: [],
  escrowBalance: amount(30n),
  openHolds: amount(30n),
  minted: amount(100n),
  burned: amount(7n),
}

test('sound sums break no rule', () => {
  expect(brokenRules(SOUND)).toEqual([])
})

const ids = Array.from({ length: 7 }, (_, i) => `acct_${i}` as AccountId)

test.each<[string, Partial<LedgerSums>, string]>([
  ['postings_sum_to_zero', { total: amount(1_500_000n) }, '1.5 tokens'],
  ['transfers_balance', { unbalanced: ['xfer_1' as TransferId] }, 'xfer_1'],
  ['balances_match_postings', { drifted: ids.slice(0, 2) }, 'acct_0, acct_1.'],
  ['nobody_overdrawn', { overdrawn: ids }, 'acct_4 and 2 more'],
  ['escrow_matches_open_holds', { escrowBalance: amount(29n) }, '0.000029 tokens, open holds 0.00003'],
  ['burned_within_minted', { burned: amount(101n) }, '0.000101 tokens were burned of 0.0001 minted'],
])('%s is reported with its numbers', (rule, wrong, says) => {
  const broken = brokenRules({ ...SOUND, ...wrong })
  expect(broken.map((each) => each.rule)).toEqual([rule])
  expect(broken[0]!.says).toContain(says)
})
