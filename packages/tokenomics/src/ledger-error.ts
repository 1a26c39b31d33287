import { FogError } from '@fog/kernel'
import type { AccountId, HoldId, TransferId } from '@fog/kernel'

/** Faults of the ledger. Amounts are texts in tokens, as people read them. */
export class LedgerError extends FogError<
  | { code: 'ledger.account_not_found'; accountId: AccountId }
  | { code: 'ledger.account_reserved'; accountId: AccountId }
  | { code: 'ledger.amount_invalid'; amount: string }
  | { code: 'ledger.insufficient_funds'; accountId: AccountId; available: string; needed: string }
  | { code: 'ledger.transfer_conflict'; transferId: TransferId }
  | { code: 'ledger.hold_not_found'; holdId: HoldId }
  | { code: 'ledger.hold_conflict'; holdId: HoldId }
  | { code: 'ledger.hold_exceeded'; holdId: HoldId; held: string; needed: string }
> {
  static override readonly texts = {
    'ledger.account_not_found': {
      says: 'There is no account {accountId}.',
      fix: 'Check the id; accounts are listed with `fog ledger`.',
    },
    'ledger.account_reserved': {
      says: 'Account {accountId} belongs to the ledger itself and takes part in no payment by hand.',
      fix: 'Name the account of a user or the treasury.',
    },
    'ledger.amount_invalid': {
      says: '{amount} tokens cannot be moved.',
      fix: 'Give an amount above zero.',
    },
    'ledger.insufficient_funds': {
      says: 'Account {accountId} has {available} tokens available where {needed} are needed.',
      fix: 'Add tokens to the account, or ask for less.',
    },
    'ledger.transfer_conflict': {
      says: 'Transfer {transferId} was made before, with other contents.',
      fix: 'Use a new transfer id for a new payment, and the same contents for a retry.',
    },
    'ledger.hold_not_found': {
      says: 'There is no hold {holdId}.',
      fix: 'Check the id; a hold is opened before it is settled or released.',
    },
    'ledger.hold_conflict': {
      says: 'Hold {holdId} was opened before, with other contents.',
      fix: 'Use a new hold id for a new hold, and the same contents for a retry.',
    },
    'ledger.hold_exceeded': {
      says: 'Payments of {needed} tokens do not fit into hold {holdId} of {held}.',
      fix: 'Pay at most what was held.',
    },
  }
}
