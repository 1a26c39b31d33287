import { amount, formatTokens, ZERO } from '@fog/kernel'
import type { AccountId, Amount, HoldId, MemoryDatabase, MemoryTable, TransferId } from '@fog/kernel'
import { minus, total } from './arithmetic.ts'
import { LedgerError } from './ledger-error.ts'
import type { Account, Hold, LedgerStore, LedgerSums, Posting, Transfer, TransferFilter } from './ledger-store.ts'
import { ESCROW } from './system-accounts.ts'

/** The ledger's store in memory. Whoever wants all-or-nothing runs it inside the database's `transact`. */
export class MemoryLedgerStore implements LedgerStore {
  readonly #accounts: MemoryTable<AccountId, Account>
  /** In the order posted. */
  readonly #transfers: MemoryTable<TransferId, Transfer>
  readonly #holds: MemoryTable<HoldId, Hold>

  constructor(database: MemoryDatabase) {
    this.#accounts = database.table()
    this.#transfers = database.table()
    this.#holds = database.table()
  }

  async openAccount(account: Omit<Account, 'balance'>): Promise<void> {
    if (!this.#accounts.has(account.accountId)) this.#accounts.set(account.accountId, { ...account, balance: ZERO })
  }

  async findAccount(accountId: AccountId): Promise<Account | undefined> {
    return this.#accounts.get(accountId)
  }

  async findAccountsForUpdate(accountIds: readonly AccountId[]): Promise<Account[]> {
    return [...new Set(accountIds)]
      .sort()
      .map((accountId) => this.#accounts.get(accountId))
      .filter((account) => account !== undefined)
  }

  async findTransfer(transferId: TransferId): Promise<Transfer | undefined> {
    return this.#transfers.get(transferId)
  }

  async post(transfer: Transfer): Promise<'posted' | 'exists'> {
    if (this.#transfers.has(transfer.transferId)) return 'exists'
    // All are checked before any is written: a refused transfer leaves nothing behind, even outside a transaction.
    const moved = transfer.postings.map((posting) => this.#moved(posting))
    for (const account of moved) this.#accounts.set(account.accountId, account)
    this.#transfers.set(transfer.transferId, transfer)
    return 'posted'
  }

  async addHold(hold: Hold): Promise<void> {
    if (this.#holds.has(hold.holdId)) throw new LedgerError({ code: 'ledger.hold_conflict', holdId: hold.holdId })
    this.#holds.set(hold.holdId, hold)
  }

  async findHold(holdId: HoldId): Promise<Hold | undefined> {
    return this.#holds.get(holdId)
  }

  async findHoldForUpdate(holdId: HoldId): Promise<Hold | undefined> {
    return this.#holds.get(holdId)
  }

  async saveHold(hold: Hold): Promise<void> {
    if (!this.#holds.has(hold.holdId)) throw new LedgerError({ code: 'ledger.hold_not_found', holdId: hold.holdId })
    this.#holds.set(hold.holdId, hold)
  }

  async listTransfers({ accountId, before, limit }: TransferFilter): Promise<Transfer[]> {
    const newestFirst = [...this.#transfers.values()].reverse()
    const from = before ? newestFirst.findIndex((transfer) => transfer.transferId === before) + 1 : 0
    return newestFirst
      .slice(from)
      .filter((transfer) => !accountId || transfer.postings.some((posting) => posting.accountId === accountId))
      .slice(0, limit)
  }

  async sums(): Promise<LedgerSums> {
    const accounts = [...this.#accounts.values()]
    const transfers = [...this.#transfers.values()]
    const open = [...this.#holds.values()].filter((hold) => hold.status === 'open')
    const posted = sumByAccount(transfers)
    const sumOf = (accountId: AccountId) => posted.get(accountId) ?? ZERO
    const sumOfKind = (kind: Account['kind']) =>
      total(accounts.filter((account) => account.kind === kind).map((account) => sumOf(account.accountId)))
    return {
      accounts: accounts.length,
      transfers: transfers.length,
      holdsOpen: open.length,
      total: total([...posted.values()]),
      unbalanced: transfers.filter((transfer) => sumOfPostings(transfer) !== 0n).map(({ transferId }) => transferId),
      drifted: accounts.filter((account) => account.balance !== sumOf(account.accountId)).map(idOf),
      overdrawn: accounts.filter((account) => account.kind !== 'mint' && sumOf(account.accountId) < 0n).map(idOf),
      escrowBalance: sumOf(ESCROW),
      openHolds: total(open.map((hold) => hold.amount)),
      minted: minus(sumOfKind('mint')),
      burned: sumOfKind('burn'),
    }
  }

  #moved({ accountId, amount: change }: Posting): Account {
    const account = this.#accounts.get(accountId)
    if (!account) throw new LedgerError({ code: 'ledger.account_not_found', accountId })
    const balance = amount(account.balance + change)
    if (balance < 0n && change < 0n && account.kind !== 'mint') {
      const [available, needed] = [formatTokens(account.balance), formatTokens(minus(change))]
      throw new LedgerError({ code: 'ledger.insufficient_funds', accountId, available, needed })
    }
    return { ...account, balance }
  }
}

function idOf(account: Account): AccountId {
  return account.accountId
}

function sumOfPostings(transfer: Transfer): Amount {
  return total(transfer.postings.map((posting) => posting.amount))
}

function sumByAccount(transfers: readonly Transfer[]): Map<AccountId, Amount> {
  const sums = new Map<AccountId, Amount>()
  for (const { postings } of transfers) {
    for (const posting of postings) {
      sums.set(posting.accountId, amount((sums.get(posting.accountId) ?? ZERO) + posting.amount))
    }
  }
  return sums
}
