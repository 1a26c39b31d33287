import { amount, assert, formatTokens } from '@fog/kernel'
import type { AccountId, HoldId, TransferId } from '@fog/kernel'
import { ESCROW, LedgerError } from '@fog/tokenomics'
import type { Account, Hold, LedgerStore, LedgerSums, Posting, Transfer, TransferFilter } from '@fog/tokenomics'
import { sql } from 'kysely'
import { namesOf, rowsOf, texts, toText } from './rows.ts'
import type { RowShape } from './rows.ts'
import type { AccountRow, Db, HoldRow, PostingRow, TransferRow } from './tables.ts'

const HOLD: RowShape<Hold> = {
  hold_id: ['text', (hold) => hold.holdId],
  account_id: ['text', (hold) => hold.accountId],
  amount: ['numeric', (hold) => hold.amount],
  reference: ['text', (hold) => hold.reference],
  status: ['text', (hold) => hold.status],
  opened_at: ['int8', (hold) => hold.openedAt],
  closed_at: ['int8', (hold) => hold.closedAt],
  spent: ['numeric', (hold) => hold.spent],
}

const POSTING: RowShape<Posting & { place: number }> = {
  place: ['int4', (posting) => posting.place],
  account_id: ['text', (posting) => posting.accountId],
  amount: ['numeric', (posting) => posting.amount],
}

/**
 * The ledger in PostgreSQL. Transfers and postings are written once, which the database itself sees to, as it sees to it
 * that postings balance and that nobody but the mint falls below zero.
 */
export class PgLedgerStore implements LedgerStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async openAccount({ accountId, kind, name, openedAt }: Omit<Account, 'balance'>): Promise<void> {
    await this.#db
      .insertInto('accounts')
      .values({ account_id: accountId, kind, name: toText(name), balance: 0n, opened_at: openedAt })
      .onConflict((conflict) => conflict.column('account_id').doNothing())
      .execute()
  }

  async findAccount(accountId: AccountId): Promise<Account | undefined> {
    const query = this.#db.selectFrom('accounts').selectAll().where('account_id', '=', accountId)
    const row = await query.executeTakeFirst()
    return row && toAccount(row)
  }

  async findAccountsForUpdate(accountIds: readonly AccountId[]): Promise<Account[]> {
    const { rows } = await sql<AccountRow>`
      SELECT * FROM accounts WHERE account_id = ANY (${texts(accountIds)}) ORDER BY account_id FOR UPDATE`.execute(
      this.#db,
    )
    return rows.map(toAccount)
  }

  async findTransfer(transferId: TransferId): Promise<Transfer | undefined> {
    const query = this.#db.selectFrom('transfers').selectAll().where('transfer_id', '=', transferId)
    return (await this.#withPostings(await query.execute()))[0]
  }

  async post(transfer: Transfer): Promise<'posted' | 'exists'> {
    const { transferId, kind, reference, at, postings } = transfer
    const accounts = await this.findAccountsForUpdate(postings.map(({ accountId }) => accountId))
    const refusal = refusalOf(postings, accounts)
    if (refusal) {
      // A retry finds its first transfer even when the money is gone since.
      if (await this.findTransfer(transferId)) return 'exists'
      throw refusal
    }
    const placed = postings.map((posting, place) => ({ ...posting, place }))
    const { rows } = await sql<{ sequence: number }>`
      WITH t AS (
        INSERT INTO transfers (transfer_id, kind, reference, at)
        VALUES (${transferId}, ${kind}, ${toText(reference)}, ${at})
        ON CONFLICT (transfer_id) DO NOTHING RETURNING sequence
      ), p AS (
        INSERT INTO postings (sequence, ${namesOf(POSTING)}) SELECT t.sequence, r.* FROM t, ${rowsOf(POSTING, placed)}
        RETURNING account_id, amount
      ), a AS (
        UPDATE accounts SET balance = balance + s.change
        FROM (SELECT account_id, sum(amount) AS change FROM p GROUP BY account_id) s
        WHERE accounts.account_id = s.account_id
      )
      SELECT sequence FROM t`.execute(this.#db)
    return rows.length > 0 ? 'posted' : 'exists'
  }

  async addHold(hold: Hold): Promise<void> {
    const { rows } = await sql`
      INSERT INTO holds (${namesOf(HOLD)}) SELECT * FROM ${rowsOf(HOLD, [hold])}
      ON CONFLICT (hold_id) DO NOTHING RETURNING hold_id`.execute(this.#db)
    if (rows.length === 0) throw new LedgerError({ code: 'ledger.hold_conflict', holdId: hold.holdId })
  }

  async findHold(holdId: HoldId): Promise<Hold | undefined> {
    const row = await this.#db.selectFrom('holds').selectAll().where('hold_id', '=', holdId).executeTakeFirst()
    return row && toHold(row)
  }

  async findHoldForUpdate(holdId: HoldId): Promise<Hold | undefined> {
    const query = this.#db.selectFrom('holds').selectAll().where('hold_id', '=', holdId).forUpdate()
    const row = await query.executeTakeFirst()
    return row && toHold(row)
  }

  async saveHold({ holdId, status, spent, closedAt }: Hold): Promise<void> {
    const { numUpdatedRows } = await this.#db
      .updateTable('holds')
      .set({ status, spent, closed_at: closedAt ?? null })
      .where('hold_id', '=', holdId)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw new LedgerError({ code: 'ledger.hold_not_found', holdId })
  }

  async listTransfers({ accountId, before, limit }: TransferFilter): Promise<Transfer[]> {
    const start = before ? sql`sequence < (SELECT sequence FROM transfers WHERE transfer_id = ${before})` : sql`true`
    const of = accountId
      ? sql`sequence IN (
          SELECT DISTINCT sequence FROM postings WHERE account_id = ${accountId} AND ${start}
          ORDER BY sequence DESC LIMIT ${limit})`
      : start
    const { rows } = await sql<TransferRow>`
      SELECT * FROM transfers WHERE ${of} ORDER BY sequence DESC LIMIT ${limit}`.execute(this.#db)
    return this.#withPostings(rows)
  }

  async sums(): Promise<LedgerSums> {
    // One statement, so that all of it is of one moment.
    const { rows } = await sql<SumsRow>`
      WITH posted AS (SELECT account_id, sum(amount) AS sum FROM postings GROUP BY account_id),
      books AS (
        SELECT account_id, kind, balance, COALESCE(posted.sum, 0) AS sum FROM accounts LEFT JOIN posted USING (account_id)
      ),
      wrong AS (SELECT sequence FROM postings GROUP BY sequence HAVING sum(amount) <> 0)
      SELECT
        (SELECT count(*) FROM accounts) AS accounts,
        (SELECT count(*) FROM transfers) AS transfers,
        (SELECT count(*) FROM holds WHERE status = 'open') AS holds_open,
        (SELECT COALESCE(sum(sum), 0) FROM posted) AS total,
        ARRAY(SELECT transfer_id FROM transfers JOIN wrong USING (sequence) ORDER BY sequence) AS unbalanced,
        ARRAY(SELECT account_id FROM books WHERE balance <> sum ORDER BY account_id) AS drifted,
        ARRAY(SELECT account_id FROM books WHERE kind <> 'mint' AND sum < 0 ORDER BY account_id) AS overdrawn,
        (SELECT COALESCE(sum(sum), 0) FROM books WHERE account_id = ${ESCROW}) AS escrow,
        (SELECT COALESCE(sum(amount), 0) FROM holds WHERE status = 'open') AS open_holds,
        (SELECT COALESCE(-sum(sum), 0) FROM books WHERE kind = 'mint') AS minted,
        (SELECT COALESCE(sum(sum), 0) FROM books WHERE kind = 'burn') AS burned`.execute(this.#db)
    const row = rows[0]!
    return {
      accounts: row.accounts,
      transfers: row.transfers,
      holdsOpen: row.holds_open,
      total: amount(row.total),
      unbalanced: row.unbalanced,
      drifted: row.drifted,
      overdrawn: row.overdrawn,
      escrowBalance: amount(row.escrow),
      openHolds: amount(row.open_holds),
      minted: amount(row.minted),
      burned: amount(row.burned),
    }
  }

  async #withPostings(rows: readonly TransferRow[]): Promise<Transfer[]> {
    if (rows.length === 0) return []
    const sequences = rows.map((row) => row.sequence)
    const query = this.#db.selectFrom('postings').selectAll().where('sequence', 'in', sequences)
    const found = await query.orderBy('sequence').orderBy('place').execute()
    const bySequence = Map.groupBy(found, (posting) => posting.sequence)
    return rows.map((row) => ({
      transferId: row.transfer_id,
      kind: row.kind,
      reference: row.reference,
      at: row.at,
      postings: (bySequence.get(row.sequence) ?? []).map(toPosting),
    }))
  }
}

interface SumsRow {
  accounts: number
  transfers: number
  holds_open: number
  total: bigint
  unbalanced: TransferId[]
  drifted: AccountId[]
  overdrawn: AccountId[]
  escrow: bigint
  open_holds: bigint
  minted: bigint
  burned: bigint
}

/** Why the postings cannot be written, if so: asked before, because a statement that fails ends its whole transaction. */
function refusalOf(postings: readonly Posting[], accounts: readonly Account[]): LedgerError | undefined {
  const balances = new Map(accounts.map((account) => [account.accountId, account.balance as bigint]))
  const kinds = new Map(accounts.map((account) => [account.accountId, account.kind]))
  assert(postings.reduce((sum, posting) => sum + posting.amount, 0n) === 0n, 'the postings of a transfer sum to zero')
  for (const { accountId, amount: change } of postings) {
    const available = balances.get(accountId)
    if (available === undefined) return new LedgerError({ code: 'ledger.account_not_found', accountId })
    if (available + change < 0n && change < 0n && kinds.get(accountId) !== 'mint') {
      const [has, needs] = [formatTokens(available), formatTokens(0n - change)]
      return new LedgerError({ code: 'ledger.insufficient_funds', accountId, available: has, needed: needs })
    }
    balances.set(accountId, available + change)
  }
  return undefined
}

function toAccount(row: AccountRow): Account {
  return {
    accountId: row.account_id,
    kind: row.kind,
    name: row.name,
    balance: amount(row.balance),
    openedAt: row.opened_at,
  }
}

function toPosting(row: PostingRow): Posting {
  return { accountId: row.account_id, amount: amount(row.amount) }
}

function toHold(row: HoldRow): Hold {
  return {
    holdId: row.hold_id,
    accountId: row.account_id,
    amount: amount(row.amount),
    reference: row.reference,
    status: row.status,
    openedAt: row.opened_at,
    closedAt: row.closed_at ?? undefined,
    spent: amount(row.spent),
  }
}
