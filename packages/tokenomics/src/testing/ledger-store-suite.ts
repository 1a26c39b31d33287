import { amount, isFogError, ManualClock, newId, seededRng, ZERO } from '@fog/kernel'
import type { AccountId, Amount, Rng, TransferId } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Ledger } from '../ledger.ts'
import type { Hold, LedgerStore, Posting, Transfer } from '../ledger-store.ts'
import { ESCROW, MINT, SYSTEM_ACCOUNTS, TREASURY } from '../system-accounts.ts'

/** A ledger store with its transactions: all of `work` happens or nothing of it, and several may run at once. */
export interface LedgerStoreHarness {
  transact<T>(work: (store: LedgerStore) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** What every `LedgerStore` promises. `makeStore` is called for each test and hands out an empty store. */
export function describeLedgerStore(name: string, makeStore: () => Promise<LedgerStoreHarness>): void {
  describe(`${name} as a ledger store`, () => {
    let harness: LedgerStoreHarness
    let books: Books

    beforeEach(async () => {
      harness = await makeStore()
      books = new Books(harness)
      await books.open()
    })
    afterEach(() => harness.close())

    describe('accounts', () => {
      test('an account opens with nothing in it and is found as it was opened', async () => {
        const alice = await books.openAccount('alice')
        expect(await books.account(alice)).toEqual({
          accountId: alice,
          kind: 'user',
          name: 'alice',
          balance: 0n,
          openedAt: books.clock.now(),
        })
      })

      test('opening an account again changes nothing', async () => {
        const alice = await books.openAccount('alice', 70n)
        const before = await books.account(alice)
        await harness.transact((store) =>
          store.openAccount({ accountId: alice, kind: 'treasury', name: 'other', openedAt: 1 }),
        )
        expect(await books.account(alice)).toEqual(before)
      })

      test('an account nobody opened is not found', async () => {
        expect(await books.account(books.newAccountId())).toBeUndefined()
      })

      test('accounts are locked in the order of ids, each once, unknown ones left out', async () => {
        const [a, b] = [await books.openAccount('a'), await books.openAccount('b')].sort()
        const found = await harness.transact((store) =>
          store.findAccountsForUpdate([b!, a!, books.newAccountId(), b!, ESCROW]),
        )
        expect(found.map((account) => account.accountId)).toEqual([ESCROW, a, b])
      })
    })

    describe('transfers', () => {
      test('a posted transfer moves the balances and is found as it was posted', async () => {
        const alice = await books.openAccount('alice')
        const transfer = books.newTransfer([MINT, -50n], [alice, 50n])
        expect(await harness.transact((store) => store.post(transfer))).toBe('posted')
        expect((await books.account(alice))?.balance).toBe(50n)
        expect((await books.account(MINT))?.balance).toBe(-50n)
        expect(inOrder(await harness.transact((store) => store.findTransfer(transfer.transferId)))).toEqual(
          inOrder(transfer),
        )
      })

      test('posting an id again changes nothing, whatever the contents', async () => {
        const alice = await books.openAccount('alice', 10n)
        const first = books.newTransfer([alice, -4n], [TREASURY, 4n])
        await harness.transact((store) => store.post(first))
        const other = { ...books.newTransfer([alice, -5n], [TREASURY, 5n]), transferId: first.transferId }
        expect(await harness.transact((store) => store.post(first))).toBe('exists')
        expect(await harness.transact((store) => store.post(other))).toBe('exists')
        expect(await books.balances(alice, TREASURY)).toEqual([6n, 4n])
        expect(inOrder(await harness.transact((store) => store.findTransfer(first.transferId)))).toEqual(inOrder(first))
      })

      test('a transfer nobody posted is not found', async () => {
        expect(await harness.transact((store) => store.findTransfer(books.newTransferId()))).toBeUndefined()
      })

      test('an account below zero is refused, and nothing of the transfer stays', async () => {
        const alice = await books.openAccount('alice', 10n)
        const transfer = books.newTransfer([TREASURY, 11n], [alice, -11n])
        const posting = harness.transact((store) => store.post(transfer))
        expect(await codeOf(posting)).toBe('ledger.insufficient_funds')
        expect(await books.balances(alice, TREASURY)).toEqual([10n, 0n])
        expect(await harness.transact((store) => store.findTransfer(transfer.transferId))).toBeUndefined()
      })

      test('an account may be emptied to the last unit', async () => {
        const alice = await books.openAccount('alice', 10n)
        await harness.transact((store) => store.post(books.newTransfer([alice, -10n], [TREASURY, 10n])))
        expect(await books.balances(alice, TREASURY)).toEqual([0n, 10n])
      })

      test('a posting to an account nobody opened is refused', async () => {
        const nobody = books.newAccountId()
        const posting = harness.transact((store) => store.post(books.newTransfer([MINT, -1n], [nobody, 1n])))
        expect(await codeOf(posting)).toBe('ledger.account_not_found')
        expect(await books.balances(MINT)).toEqual([0n])
      })

      test('amounts beyond 64 bits stay exact', async () => {
        const large = 10n ** 21n + 1n
        const alice = await books.openAccount('alice', large)
        const hold = books.newHold(alice, large)
        await harness.transact((store) => store.addHold(hold))
        expect(await books.balances(alice, MINT)).toEqual([large, -large])
        expect((await harness.transact((store) => store.findHold(hold.holdId)))?.amount).toBe(large)
        expect((await books.sums()).minted).toBe(large)
      })
    })

    describe('holds', () => {
      test('a hold is found as it was added and as it was last saved', async () => {
        const alice = await books.openAccount('alice')
        const hold = books.newHold(alice, 5n)
        await harness.transact((store) => store.addHold(hold))
        expect(await harness.transact((store) => store.findHold(hold.holdId))).toEqual(hold)
        const ended: Hold = { ...hold, status: 'settled', closedAt: hold.openedAt + 9, spent: amount(3n) }
        await harness.transact((store) => store.saveHold(ended))
        expect(await harness.transact((store) => store.findHoldForUpdate(hold.holdId))).toEqual(ended)
      })

      test('a hold id is added once', async () => {
        const hold = books.newHold(await books.openAccount('alice'), 5n)
        await harness.transact((store) => store.addHold(hold))
        expect(await codeOf(harness.transact((store) => store.addHold(hold)))).toBe('ledger.hold_conflict')
      })

      test('a hold nobody added is not found', async () => {
        const { holdId } = books.newHold(books.newAccountId(), 1n)
        expect(await harness.transact((store) => store.findHold(holdId))).toBeUndefined()
        expect(await harness.transact((store) => store.findHoldForUpdate(holdId))).toBeUndefined()
      })
    })

    describe('listing', () => {
      test('transfers come newest first, by when they were posted and not by their ids', async () => {
        const alice = await books.openAccount('alice')
        const ids = [books.newTransferId(), books.newTransferId(), books.newTransferId()].sort().reverse()
        for (const transferId of ids) {
          books.clock.advance(1_000)
          const transfer = { ...books.newTransfer([MINT, -1n], [alice, 1n]), transferId }
          await harness.transact((store) => store.post(transfer))
        }
        const listed = await harness.transact((store) => store.listTransfers({ accountId: alice, limit: 10 }))
        expect(listed.map((transfer) => transfer.transferId)).toEqual([...ids].reverse())
      })

      test('a list has the transfers of one account, whole, or of all', async () => {
        const [alice, bob] = [await books.openAccount('alice', 5n), await books.openAccount('bob', 6n)]
        books.clock.advance(1)
        const shared = books.newTransfer([alice, -2n], [bob, 2n])
        await harness.transact((store) => store.post(shared))
        const list = (accountId?: AccountId) =>
          harness.transact((store) => store.listTransfers({ accountId, limit: 10 }))
        expect(inOrder((await list(alice))[0])).toEqual(inOrder(shared))
        expect(await list(alice)).toHaveLength(2)
        expect(await list(bob)).toHaveLength(2)
        expect(await list()).toHaveLength(3)
        expect(await list(TREASURY)).toEqual([])
      })

      test('pages follow each other without a gap or a repeat, even within one instant', async () => {
        const alice = await books.openAccount('alice')
        const posted: TransferId[] = []
        for (let i = 0; i < 7; i++) {
          if (i % 3 === 0) books.clock.advance(1)
          const transfer = books.newTransfer([MINT, -1n], [alice, 1n])
          posted.push(transfer.transferId)
          await harness.transact((store) => store.post(transfer))
        }
        const listed: TransferId[] = []
        for (let size = 3; size === 3;) {
          const filter = { accountId: alice, before: listed.at(-1), limit: 3 }
          const page = await harness.transact((store) => store.listTransfers(filter))
          listed.push(...page.map((transfer) => transfer.transferId))
          size = page.length
        }
        expect(listed).toHaveLength(7)
        expect([...listed].sort()).toEqual([...posted].sort())
      })
    })

    describe('sums', () => {
      test('an empty ledger sums to nothing', async () => {
        expect(await books.sums()).toEqual({
          accounts: SYSTEM_ACCOUNTS.length,
          transfers: 0,
          holdsOpen: 0,
          total: 0n,
          unbalanced: [],
          drifted: [],
          overdrawn: [],
          escrowBalance: 0n,
          openHolds: 0n,
          minted: 0n,
          burned: 0n,
        })
      })

      test('sums tell what was minted, burned and is held', async () => {
        const alice = await books.openAccount('alice', 100n)
        const open = books.newHold(alice, 30n)
        const ended: Hold = { ...books.newHold(alice, 8n), status: 'released', closedAt: books.clock.now() }
        await harness.transact(async (store) => {
          await store.addHold(open)
          await store.addHold(ended)
          await store.post(books.newTransfer([alice, -30n], [ESCROW, 30n]))
          await store.post(books.newTransfer([alice, -7n], [SYSTEM_ACCOUNTS[0]!.accountId, 7n]))
        })
        expect(await books.sums()).toMatchObject({
          accounts: SYSTEM_ACCOUNTS.length + 1,
          transfers: 3,
          holdsOpen: 1,
          total: 0n,
          escrowBalance: 30n,
          openHolds: 30n,
          minted: 100n,
          burned: 7n,
        })
      })

      test('a transfer that does not balance is refused or reported, never overlooked', async () => {
        const alice = await books.openAccount('alice')
        const wrong = books.newTransfer([MINT, -5n], [alice, 6n])
        const refused = await harness
          .transact((store) => store.post(wrong))
          .then(
            () => false,
            () => true,
          )
        const { unbalanced, total } = await books.sums()
        expect(unbalanced).toEqual(refused ? [] : [wrong.transferId])
        expect(total).toBe(refused ? 0n : 1n)
      })
    })

    describe('transactions', () => {
      test('what a failed transaction did is gone, all of it', async () => {
        const alice = await books.openAccount('alice', 10n)
        const hold = books.newHold(alice, 4n)
        const before = await books.sums()
        const bob = books.newAccountId()
        const work = harness.transact(async (store) => {
          await store.openAccount({ accountId: bob, kind: 'user', name: 'bob', openedAt: 1 })
          await store.post(books.newTransfer([alice, -4n], [ESCROW, 4n]))
          await store.addHold(hold)
          throw new Error('the flow gave up')
        })
        await expect(work).rejects.toThrow('the flow gave up')
        expect(await books.sums()).toEqual(before)
        expect(await books.account(bob)).toBeUndefined()
        expect(await harness.transact((store) => store.findHold(hold.holdId))).toBeUndefined()
        expect(await books.balances(alice, ESCROW)).toEqual([10n, 0n])
      })

      test('who read an account for update works on the truth until the end', async () => {
        const alice = await books.openAccount('alice', 100n)
        const take = () =>
          harness.transact(async (store) => {
            const [account] = await store.findAccountsForUpdate([alice])
            if (account!.balance < 30n) return false
            await store.post(books.newTransfer([alice, -30n], [TREASURY, 30n]))
            return true
          })
        const took = await Promise.all(Array.from({ length: 8 }, take))
        expect(took.filter(Boolean)).toHaveLength(3)
        expect(await books.balances(alice, TREASURY)).toEqual([10n, 90n])
      })

      test('who read a hold for update is the only one to end it', async () => {
        const hold = books.newHold(await books.openAccount('alice'), 5n)
        await harness.transact((store) => store.addHold(hold))
        const end = () =>
          harness.transact(async (store) => {
            const found = await store.findHoldForUpdate(hold.holdId)
            if (found?.status !== 'open') return false
            await store.saveHold({ ...found, status: 'released', closedAt: 7 })
            return true
          })
        const ended = await Promise.all(Array.from({ length: 8 }, end))
        expect(ended.filter(Boolean)).toHaveLength(1)
      })

      test('one transfer posted by many at once moves its money once', async () => {
        const alice = await books.openAccount('alice', 10n)
        const transfer = books.newTransfer([alice, -10n], [TREASURY, 10n])
        const answers = await Promise.all(
          Array.from({ length: 6 }, () => harness.transact((store) => store.post(transfer))),
        )
        expect(answers.sort()).toEqual(['exists', 'exists', 'exists', 'exists', 'exists', 'posted'])
        expect(await books.balances(alice, TREASURY)).toEqual([0n, 10n])
      })

      test('payments in opposite directions do not wait for each other forever', async () => {
        const [a, b] = [await books.openAccount('a', 50n), await books.openAccount('b', 50n)]
        const pay = (from: AccountId, to: AccountId) =>
          harness.transact(async (store) => {
            await store.findAccountsForUpdate([from, to])
            await store.post(books.newTransfer([from, -1n], [to, 1n]))
          })
        await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? pay(a, b) : pay(b, a))))
        expect(await books.balances(a, b)).toEqual([50n, 50n])
      })
    })

    describe('with the ledger on top', () => {
      test('holds racing on one account never take more than it has', async () => {
        const alice = await books.openAccount('alice', 100n)
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, () => books.ledger((ledger) => ledger.hold(books.wanted(alice, 30n)))),
        )
        expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(3)
        expect(await books.balances(alice, ESCROW)).toEqual([10n, 90n])
        expect(await books.broken()).toEqual([])
      })

      test('one hold asked for by many at once is held once', async () => {
        const alice = await books.openAccount('alice', 100n)
        const wanted = books.wanted(alice, 30n)
        const outcomes = await Promise.all(
          Array.from({ length: 5 }, () => books.ledger((ledger) => ledger.hold(wanted))),
        )
        expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
        expect(await books.balances(alice, ESCROW)).toEqual([70n, 30n])
        expect(await books.broken()).toEqual([])
      })

      test('settlements and releases racing on one hold end it once, and all learn the same end', async () => {
        const [alice, worker] = [await books.openAccount('alice', 100n), await books.openAccount('worker')]
        const wanted = books.wanted(alice, 60n)
        await books.ledger((ledger) => ledger.hold(wanted))
        const payments = [{ accountId: worker, amount: amount(40n) }]
        const ends = await Promise.all(
          Array.from({ length: 8 }, (_, i) =>
            books.ledger((ledger) =>
              i % 2 === 0
                ? ledger.settle({ holdId: wanted.holdId, payments, treasuryFee: amount(5n) })
                : ledger.release(wanted.holdId),
            ),
          ),
        )
        expect(ends.filter((end) => !end.repeated)).toHaveLength(1)
        expect(new Set(ends.map((end) => end.hold.status)).size).toBe(1)
        const settled = ends[0]!.hold.status === 'settled'
        expect(await books.balances(alice, worker, TREASURY, ESCROW)).toEqual(
          settled ? [55n, 40n, 5n, 0n] : [100n, 0n, 0n, 0n],
        )
        expect(await books.broken()).toEqual([])
      })

      test('many jobs of many accounts held and settled at once leave sound books', async () => {
        const accounts = await Promise.all(Array.from({ length: 5 }, (_, i) => books.openAccount(`user ${i}`, 1_000n)))
        const run = async (i: number) => {
          const [payer, worker] = [accounts[i % 5]!, accounts[(i + 1) % 5]!]
          const wanted = books.wanted(payer, 100n)
          await books.ledger((ledger) => ledger.hold(wanted))
          const payments = [{ accountId: worker, amount: amount(50n) }]
          await books.ledger((ledger) => ledger.settle({ holdId: wanted.holdId, payments, treasuryFee: amount(10n) }))
        }
        await Promise.all(Array.from({ length: 25 }, (_, i) => run(i)))
        expect(await books.broken()).toEqual([])
        expect(await books.balances(...accounts)).toEqual(accounts.map(() => 950n))
        expect(await books.balances(TREASURY, ESCROW)).toEqual([250n, 0n])
      })
    })
  })
}

/** Short words for the tests above: ids and instants by seed, work by transaction. */
class Books {
  readonly clock = new ManualClock()
  readonly #rng: Rng = seededRng(7)
  readonly #harness: LedgerStoreHarness

  constructor(harness: LedgerStoreHarness) {
    this.#harness = harness
  }

  async open(): Promise<void> {
    await this.ledger((ledger) => ledger.openSystemAccounts())
  }

  ledger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
    return this.#harness.transact((store) => work(new Ledger({ store, clock: this.clock })))
  }

  async openAccount(name: string, balance = 0n): Promise<AccountId> {
    const accountId = this.newAccountId()
    const openedAt = this.clock.now()
    await this.#harness.transact(async (store) => {
      await store.openAccount({ accountId, kind: 'user', name, openedAt })
      if (balance > 0n) await store.post(this.newTransfer([MINT, -balance], [accountId, balance]))
    })
    return accountId
  }

  account(accountId: AccountId) {
    return this.#harness.transact((store) => store.findAccount(accountId))
  }

  async balances(...accountIds: AccountId[]): Promise<(Amount | undefined)[]> {
    return Promise.all(accountIds.map(async (accountId) => (await this.account(accountId))?.balance))
  }

  sums() {
    return this.#harness.transact((store) => store.sums())
  }

  async broken() {
    return (await this.ledger((ledger) => ledger.audit())).broken
  }

  newAccountId(): AccountId {
    return newId('account', this.clock.now(), this.#rng)
  }

  newTransferId(): TransferId {
    return newId('transfer', this.clock.now(), this.#rng)
  }

  newTransfer(...parts: readonly (readonly [AccountId, bigint])[]): Transfer {
    const postings: Posting[] = parts.map(([accountId, change]) => ({ accountId, amount: amount(change) }))
    return { transferId: this.newTransferId(), kind: 'transfer', reference: 'a test', at: this.clock.now(), postings }
  }

  newHold(accountId: AccountId, size: bigint): Hold {
    return { ...this.wanted(accountId, size), status: 'open', openedAt: this.clock.now(), spent: ZERO }
  }

  wanted(accountId: AccountId, size: bigint) {
    const holdId = newId('hold', this.clock.now(), this.#rng)
    return { holdId, accountId, amount: amount(size), reference: 'a test' }
  }
}

/** Postings have no order of their own. */
function inOrder(transfer: Transfer | undefined): Transfer | undefined {
  if (!transfer) return undefined
  return { ...transfer, postings: [...transfer.postings].sort((a, b) => (a.accountId < b.accountId ? -1 : 1)) }
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (fault: unknown) => (isFogError(fault) ? fault.code : String(fault)),
  )
}
