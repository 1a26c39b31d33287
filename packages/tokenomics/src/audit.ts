import { formatTokens } from '@fog/kernel'
import type { LedgerSums } from './ledger-store.ts'

/** What must always hold of the books. */
export type LedgerRule =
  | 'postings_sum_to_zero'
  | 'transfers_balance'
  | 'balances_match_postings'
  | 'nobody_overdrawn'
  | 'escrow_matches_open_holds'
  | 'burned_within_minted'

export interface BrokenRule {
  readonly rule: LedgerRule
  /** The numbers, in one sentence. */
  readonly says: string
}

export interface LedgerAudit {
  /** Empty when the books are right. */
  readonly broken: readonly BrokenRule[]
  readonly sums: LedgerSums
}

/** Which rules the sums break. */
export function brokenRules(sums: LedgerSums): BrokenRule[] {
  const rules: readonly [LedgerRule, boolean, string][] = [
    ['postings_sum_to_zero', sums.total === 0n, `All postings sum to ${formatTokens(sums.total)} tokens, not to 0.`],
    ['transfers_balance', sums.unbalanced.length === 0, `Transfers that do not balance: ${list(sums.unbalanced)}.`],
    ['balances_match_postings', sums.drifted.length === 0, `Balances unlike their postings: ${list(sums.drifted)}.`],
    ['nobody_overdrawn', sums.overdrawn.length === 0, `Accounts below zero: ${list(sums.overdrawn)}.`],
    [
      'escrow_matches_open_holds',
      sums.escrowBalance === sums.openHolds,
      `Escrow has ${formatTokens(sums.escrowBalance)} tokens, open holds ${formatTokens(sums.openHolds)}.`,
    ],
    [
      'burned_within_minted',
      sums.burned >= 0n && sums.burned <= sums.minted,
      `${formatTokens(sums.burned)} tokens were burned of ${formatTokens(sums.minted)} minted.`,
    ],
  ]
  return rules.filter(([, holds]) => !holds).map(([rule, , says]) => ({ rule, says }))
}

/** The first few of them, and how many more there are. */
function list(ids: readonly string[]): string {
  const shown = ids.slice(0, 5).join(', ')
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown
}
