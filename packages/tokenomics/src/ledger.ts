import { amount, assert, formatTokens, ZERO } from '@fog/kernel'
import type { AccountId, Amount, Clock, HoldId, TransferId } from '@fog/kernel'
import { minus, total } from './arithmetic.ts'
import { brokenRules } from './audit.ts'
import type { LedgerAudit } from './audit.ts'
import { LedgerError } from './ledger-error.ts'
import type { Account, Hold, LedgerStore, Posting, Transfer, TransferKind } from './ledger-store.ts'
import { mergePayments } from './price.ts'
import type { Payment } from './price.ts'
import { BURN, ESCROW, isReserved, MINT, SYSTEM_ACCOUNTS, TREASURY } from './system-accounts.ts'
import { transferIdOf } from './transfer-id.ts'

export interface LedgerDependencies {
  /** Of the transaction the ledger works in. */
  readonly store: LedgerStore
  readonly clock: Clock
}

export interface LedgerOptions {
  /** A statement has at most this many entries a page. */
  readonly maxPage: number
}

export const LEDGER_DEFAULTS: LedgerOptions = { maxPage: 200 }

export interface NewHold {
  readonly holdId: HoldId
  readonly accountId: AccountId
  /** Zero is allowed: what is free is held all the same, and moves nothing. */
  readonly amount: Amount
  /** What it is for: opaque to the ledger, shown to people. */
  readonly reference: string
}

export interface InsufficientFunds {
  readonly ok: false
  readonly reason: 'insufficient_funds'
  readonly available: Amount
  readonly needed: Amount
}

export type HoldOutcome = { readonly ok: true; readonly hold: Hold } | InsufficientFunds
export type TransferOutcome = { readonly ok: true; readonly transfer: Transfer } | InsufficientFunds

export interface Settlement {
  readonly holdId: HoldId
  /** Several to one account are paid as one. */
  readonly payments: readonly Payment[]
  /** The platform's part, beside the payments. */
  readonly treasuryFee?: Amount | undefined
}

/** How a hold ended. `hold.status` tells whether it was settled or released. */
export interface HoldEnd {
  readonly hold: Hold
  /** Undefined when there was nothing to move. */
  readonly transfer: Transfer | undefined
  /** What went back to the holder. */
  readonly refunded: Amount
  /** Whether it had ended before this call, which then changed nothing. */
  readonly repeated: boolean
}

/** What a credit came to: less than was due where the treasury has less. */
export interface CreditOutcome {
  readonly paid: Amount
  /** Undefined when there was nothing to move. */
  readonly transfer: Transfer | undefined
}

/** An order by hand, to be given again with the same id when in doubt. */
export interface Order {
  readonly transferId: TransferId
  readonly amount: Amount
  readonly reference: string
}

export interface StatementEntry {
  readonly transferId: TransferId
  readonly kind: TransferKind
  readonly reference: string
  readonly at: number
  /** Positive: received. Negative: given. */
  readonly change: Amount
}

export interface Statement {
  readonly account: Account
  /** Newest first. */
  readonly entries: readonly StatementEntry[]
  /** Where the next page starts; undefined on the last. */
  readonly next: TransferId | undefined
}

/**
 * Keeps money honest. Every change is one balanced transfer; balances are only ever derived.
 *
 * Made for one transaction: its store is the transaction's. Each change first locks the escrow account, so changes take
 * turns and no two can wait for each other in a circle. A flow therefore calls the ledger last, when its own rows are
 * locked.
 */
export class Ledger {
  readonly #store: LedgerStore
  readonly #clock: Clock
  readonly #options: LedgerOptions

  constructor({ store, clock }: LedgerDependencies, options: LedgerOptions = LEDGER_DEFAULTS) {
    this.#store = store
    this.#clock = clock
    this.#options = options
  }

  /** Opens the accounts every ledger has. Again changes nothing. */
  async openSystemAccounts(): Promise<void> {
    const openedAt = this.#clock.now()
    for (const { accountId, kind } of SYSTEM_ACCOUNTS) {
      await this.#store.openAccount({ accountId, kind, name: kind, openedAt })
    }
  }

  /** Opens a user's account with nothing in it. Again changes nothing. */
  async openAccount({ accountId, name }: { readonly accountId: AccountId; readonly name: string }): Promise<void> {
    await this.#store.openAccount({ accountId, kind: 'user', name, openedAt: this.#clock.now() })
  }

  async findAccount(accountId: AccountId): Promise<Account | undefined> {
    return this.#store.findAccount(accountId)
  }

  /** Makes new money and gives it to an account. Given again with the same id, answers the first transfer. */
  async mint({ accountId, ...order }: Order & { readonly accountId: AccountId }): Promise<Transfer> {
    refuseReserved(accountId)
    await this.#lock(accountId)
    return this.#order('mint', order, [
      { accountId: MINT, amount: minus(order.amount) },
      { accountId, amount: order.amount },
    ])
  }

  /** Takes money out of the world for good. */
  async burn({ accountId, ...order }: Order & { readonly accountId: AccountId }): Promise<TransferOutcome> {
    refuseReserved(accountId)
    return this.#pay('burn', order, accountId, BURN)
  }

  /** Moves money from one account to another. Given again with the same id, answers the first transfer. */
  async transfer({
    from,
    to,
    ...order
  }: Order & { readonly from: AccountId; readonly to: AccountId }): Promise<TransferOutcome> {
    refuseReserved(from)
    refuseReserved(to)
    if (from === to) throw new LedgerError({ code: 'ledger.account_reserved', accountId: to })
    return this.#pay('transfer', order, from, to)
  }

  /** Sets money aside until it is settled or released. Lacking funds is an answer, not a fault. */
  async hold(wanted: NewHold): Promise<HoldOutcome> {
    refuseReserved(wanted.accountId)
    if (wanted.amount < 0n) throw new LedgerError(invalid(wanted.amount))
    const account = await this.#lock(wanted.accountId)
    const first = await this.#store.findHold(wanted.holdId)
    if (first) return { ok: true, hold: sameHold(first, wanted) }
    if (account.balance < wanted.amount) return insufficient(account, wanted.amount)

    const at = this.#clock.now()
    const hold: Hold = { ...wanted, status: 'open', openedAt: at, spent: ZERO }
    await this.#store.addHold(hold)
    await this.#post(transferIdOf(hold.holdId, 'hold'), 'hold', hold.reference, [
      { accountId: hold.accountId, amount: minus(hold.amount) },
      { accountId: ESCROW, amount: hold.amount },
    ])
    return { ok: true, hold }
  }

  /**
   * Pays out of a hold and gives the rest back, in one transfer, once: of a hold that has ended before, the first end is
   * answered unchanged. Payments above the hold are refused whole.
   */
  async settle({ holdId, payments, treasuryFee = ZERO }: Settlement): Promise<HoldEnd> {
    for (const { accountId } of payments) refuseReserved(accountId)
    const paid = [...payments, { accountId: TREASURY, amount: treasuryFee }]
    for (const payment of paid) if (payment.amount < 0n) throw new LedgerError(invalid(payment.amount))
    return this.#end(holdId, 'settle', paid)
  }

  /** Gives a hold back whole, once: of a hold that has ended before, the first end is answered unchanged. */
  async release(holdId: HoldId): Promise<HoldEnd> {
    return this.#end(holdId, 'release', [])
  }

  /**
   * Gives money back for what was promised and not kept, out of the treasury and never more than it has: whoever did the
   * work has been paid. Given again with the same id, answers the first payment.
   */
  async credit({ accountId, ...order }: Order & { readonly accountId: AccountId }): Promise<CreditOutcome> {
    refuseReserved(accountId)
    if (order.amount < 0n) throw new LedgerError(invalid(order.amount))
    const treasury = await this.#lock(TREASURY)
    const first = await this.#store.findTransfer(order.transferId)
    if (first) return firstCredit(first, { ...order, accountId })
    const paid = order.amount < treasury.balance ? order.amount : treasury.balance
    if (paid === 0n) return { paid, transfer: undefined }
    const transfer = await this.#post(order.transferId, 'credit', order.reference, [
      { accountId: TREASURY, amount: minus(paid) },
      { accountId, amount: paid },
    ])
    return { paid, transfer }
  }

  /** Recomputes the books from the postings, and says what is wrong with them. */
  async audit(): Promise<LedgerAudit> {
    const sums = await this.#store.sums()
    return { broken: brokenRules(sums), sums }
  }

  /** An account and what moved on it, a page at a time; `before` is the `next` of the page before. */
  async statement(wanted: {
    readonly accountId: AccountId
    readonly before?: TransferId | undefined
    readonly limit: number
  }): Promise<Statement> {
    const account = await this.#store.findAccount(wanted.accountId)
    if (!account) throw new LedgerError({ code: 'ledger.account_not_found', accountId: wanted.accountId })
    const limit = Math.max(1, Math.min(wanted.limit, this.#options.maxPage))
    // One more than asked for tells whether there is a next page.
    const found = await this.#store.listTransfers({ ...wanted, limit: limit + 1 })
    const page = found.slice(0, limit)
    return {
      account,
      entries: page.map((transfer) => entryOf(transfer, account.accountId)),
      next: found.length > limit ? page.at(-1)!.transferId : undefined,
    }
  }

  async #end(holdId: HoldId, step: 'settle' | 'release', payments: readonly Payment[]): Promise<HoldEnd> {
    await this.#lock(ESCROW)
    const hold = await this.#store.findHoldForUpdate(holdId)
    if (!hold) throw new LedgerError({ code: 'ledger.hold_not_found', holdId })
    if (hold.status !== 'open') return this.#firstEnd(hold)

    const spent = totalOf(payments)
    if (spent > hold.amount) {
      const [held, needed] = [formatTokens(hold.amount), formatTokens(spent)]
      throw new LedgerError({ code: 'ledger.hold_exceeded', holdId, held, needed })
    }
    const refunded = amount(hold.amount - spent)
    const transfer = await this.#post(transferIdOf(holdId, step), step, hold.reference, [
      { accountId: ESCROW, amount: minus(hold.amount) },
      ...payments,
      { accountId: hold.accountId, amount: refunded },
    ])
    const status = step === 'settle' ? 'settled' : 'released'
    const ended: Hold = { ...hold, status, spent, closedAt: this.#clock.now() }
    await this.#store.saveHold(ended)
    return { hold: ended, transfer, refunded, repeated: false }
  }

  async #firstEnd(hold: Hold): Promise<HoldEnd> {
    const step = hold.status === 'settled' ? 'settle' : 'release'
    const transfer = await this.#store.findTransfer(transferIdOf(hold.holdId, step))
    return { hold, transfer, refunded: amount(hold.amount - hold.spent), repeated: true }
  }

  async #pay(kind: 'burn' | 'transfer', order: Order, from: AccountId, to: AccountId): Promise<TransferOutcome> {
    const payer = await this.#lock(from)
    // A retry answers the first transfer even when the money is gone since.
    const repeated = await this.#store.findTransfer(order.transferId)
    if (!repeated && payer.balance < order.amount) return insufficient(payer, order.amount)
    const transfer = await this.#order(kind, order, [
      { accountId: from, amount: minus(order.amount) },
      { accountId: to, amount: order.amount },
    ])
    return { ok: true, transfer }
  }

  async #order(kind: TransferKind, order: Order, postings: readonly Posting[]): Promise<Transfer> {
    if (order.amount <= 0n) throw new LedgerError(invalid(order.amount))
    const transfer = await this.#post(order.transferId, kind, order.reference, postings)
    assert(transfer, 'an order above zero moves something')
    return transfer
  }

  /** Posts what is above nothing, one posting an account. An id that was posted before must have the same contents. */
  async #post(
    transferId: TransferId,
    kind: TransferKind,
    reference: string,
    parts: readonly Posting[],
  ): Promise<Transfer | undefined> {
    const postings = mergePayments(parts)
    if (postings.length === 0) return undefined
    assert(totalOf(postings) === 0n, 'the postings of a transfer sum to zero')
    const transfer: Transfer = { transferId, kind, reference, at: this.#clock.now(), postings }
    if ((await this.#store.post(transfer)) === 'posted') return transfer
    return sameTransfer(await this.#store.findTransfer(transferId), transfer)
  }

  /**
   * Locks the ledger for this transaction and answers the account as it stands. The escrow account is the lock: its id
   * sorts before every account that pays, so it is always taken first.
   */
  async #lock(accountId: AccountId): Promise<Account> {
    const locked = await this.#store.findAccountsForUpdate([ESCROW, accountId])
    assert(locked[0]?.accountId === ESCROW, 'the system accounts are opened before money moves')
    const account = locked.find((each) => each.accountId === accountId)
    if (!account) throw new LedgerError({ code: 'ledger.account_not_found', accountId })
    return account
  }
}

function refuseReserved(accountId: AccountId): void {
  if (isReserved(accountId)) throw new LedgerError({ code: 'ledger.account_reserved', accountId })
}

function invalid(wrong: Amount) {
  return { code: 'ledger.amount_invalid', amount: formatTokens(wrong) } as const
}

function insufficient(account: Account, needed: Amount): InsufficientFunds {
  return { ok: false, reason: 'insufficient_funds', available: account.balance, needed }
}

function totalOf(parts: readonly Posting[]): Amount {
  return total(parts.map((part) => part.amount))
}

function sameHold(first: Hold, wanted: NewHold): Hold {
  const same =
    first.accountId === wanted.accountId && first.amount === wanted.amount && first.reference === wanted.reference
  if (!same) throw new LedgerError({ code: 'ledger.hold_conflict', holdId: wanted.holdId })
  return first
}

function sameTransfer(first: Transfer | undefined, wanted: Transfer): Transfer {
  assert(first, 'a transfer that exists can be found')
  const same = first.kind === wanted.kind && first.reference === wanted.reference && facts(first) === facts(wanted)
  if (!same) throw new LedgerError({ code: 'ledger.transfer_conflict', transferId: wanted.transferId })
  return first
}

function firstCredit(first: Transfer, wanted: Order & { readonly accountId: AccountId }): CreditOutcome {
  const posted = first.postings.find(({ accountId }) => accountId === wanted.accountId)
  const same = first.kind === 'credit' && first.reference === wanted.reference
  if (!posted || !same || posted.amount > wanted.amount) {
    throw new LedgerError({ code: 'ledger.transfer_conflict', transferId: wanted.transferId })
  }
  return { paid: posted.amount, transfer: first }
}

function facts({ postings }: Transfer): string {
  return mergePayments(postings)
    .map((posting) => `${posting.accountId} ${posting.amount}`)
    .join()
}

function entryOf(transfer: Transfer, accountId: AccountId): StatementEntry {
  const { transferId, kind, reference, at } = transfer
  const own = transfer.postings.find((posting) => posting.accountId === accountId)
  return { transferId, kind, reference, at, change: own?.amount ?? ZERO }
}
