import type { AccountId, Amount, HoldId, Instant, TransferId } from '@fog/kernel'

/** A user's account, or one the platform itself owns. Only `mint` may stand below zero: it owes what it made. */
export type AccountKind = 'user' | 'escrow' | 'treasury' | 'mint' | 'burn'

export interface Account {
  readonly accountId: AccountId
  readonly kind: AccountKind
  readonly name: string
  /** Sum of its postings. Money on hold has left it for escrow. */
  readonly balance: Amount
  readonly openedAt: Instant
}

export type TransferKind = 'mint' | 'burn' | 'hold' | 'settle' | 'release' | 'transfer' | 'credit'

/** Money moved at one instant. Postings sum to zero. */
export interface Transfer {
  /** Made by the caller, so that a retry cannot pay twice. */
  readonly transferId: TransferId
  readonly kind: TransferKind
  /** What it was for: opaque to the ledger, shown to people. */
  readonly reference: string
  readonly at: Instant
  readonly postings: readonly Posting[]
}

export interface Posting {
  readonly accountId: AccountId
  /** Positive: received. Negative: given. Never zero. */
  readonly amount: Amount
}

export interface Hold {
  readonly holdId: HoldId
  readonly accountId: AccountId
  readonly amount: Amount
  /** What it is for: opaque to the ledger. */
  readonly reference: string
  readonly status: 'open' | 'settled' | 'released'
  readonly openedAt: Instant
  readonly closedAt?: Instant | undefined
  /** What was paid out of it; the rest went back. */
  readonly spent: Amount
}

/** Where accounts, transfers and holds are kept. Used inside a transaction; rows read `ForUpdate` stay locked until its end. */
export interface LedgerStore {
  /** Opens an account with a zero balance; opening it again changes nothing. */
  openAccount(account: Omit<Account, 'balance'>): Promise<void>
  findAccount(accountId: AccountId): Promise<Account | undefined>
  /** Locked in the order of ids, whatever the order given. Unknown ids are left out. */
  findAccountsForUpdate(accountIds: readonly AccountId[]): Promise<Account[]>
  findTransfer(transferId: TransferId): Promise<Transfer | undefined>
  /**
   * Writes a transfer and moves the balances in one go. Answers `exists` without a change when the id is there already.
   * Throws `ledger.insufficient_funds` when an account other than `mint` would fall below zero, and
   * `ledger.account_not_found` when one was never opened.
   */
  post(transfer: Transfer): Promise<'posted' | 'exists'>
  /** Throws `ledger.hold_conflict` when the id is there already. */
  addHold(hold: Hold): Promise<void>
  findHold(holdId: HoldId): Promise<Hold | undefined>
  findHoldForUpdate(holdId: HoldId): Promise<Hold | undefined>
  /** Replaces a hold that was added. */
  saveHold(hold: Hold): Promise<void>
  /** Newest first, by when they were posted; `before` is the last transfer of the page before. */
  listTransfers(filter: TransferFilter): Promise<Transfer[]>
  /** Recomputes everything from the postings alone. */
  sums(): Promise<LedgerSums>
}

export interface TransferFilter {
  readonly accountId?: AccountId | undefined
  readonly before?: TransferId | undefined
  readonly limit: number
}

/** What an audit compares. */
export interface LedgerSums {
  readonly accounts: number
  readonly transfers: number
  readonly holdsOpen: number
  /** Of all postings; zero when the books are right. */
  readonly total: Amount
  /** Transfers whose own postings do not sum to zero. */
  readonly unbalanced: readonly TransferId[]
  /** Accounts whose balance differs from the sum of their postings. */
  readonly drifted: readonly AccountId[]
  /** Accounts other than `mint` below zero. */
  readonly overdrawn: readonly AccountId[]
  readonly escrowBalance: Amount
  /** Sum of the open holds: equals the escrow balance. */
  readonly openHolds: Amount
  readonly minted: Amount
  readonly burned: Amount
}
