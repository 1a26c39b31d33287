import { amount, isFogError, ManualClock, MemoryDatabase, newId, seededRng, ZERO } from '@fog/kernel'
import type { AccountId, HoldId, TransferId } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'
import { MemoryLedgerStore } from './memory-ledger-store.ts'
import { ESCROW, TREASURY } from './system-accounts.ts'

/** Random histories of a small economy, against a model that keeps only balances and holds. */

const rng = seededRng(1)
const USERS = Array.from({ length: 3 }, (): AccountId => newId('account', 0, rng))
const HOLDS = Array.from({ length: 6 }, (): HoldId => newId('hold', 0, rng))

const user = fc.constantFrom(...USERS)
const holdId = fc.constantFrom(...HOLDS)
const size = fc.bigInt({ min: 0n, max: 60n }).map(amount)
const payments = fc.array(fc.record({ accountId: user, amount: size }), { maxLength: 3 })

const operations = fc.oneof(
  fc.record({ type: fc.constant('mint'), accountId: user, amount: size }),
  fc.record({ type: fc.constant('burn'), accountId: user, amount: size }),
  fc.record({ type: fc.constant('transfer'), from: user, to: user, amount: size }),
  fc.record({ type: fc.constant('hold'), holdId, accountId: user, amount: size }),
  fc.record({ type: fc.constant('settle'), holdId, payments, treasuryFee: size }),
  fc.record({ type: fc.constant('release'), holdId }),
  fc.record({ type: fc.constant('credit'), accountId: user, amount: size }),
)
type Operation = typeof operations extends fc.Arbitrary<infer T> ? T : never

/** How an operation meets the world: it works, is sent again, or its transaction dies after the ledger's work. */
const fates = fc.constantFrom('works', 'is sent again', 'dies')
type Fate = 'works' | 'is sent again' | 'dies'

test('whatever happens, in whatever order, repeated or cut off, the books are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(operations, fates), { maxLength: 60 }), async (history) => {
      const [economy, model] = [await Economy.start(), new Model()]
      for (const [operation, fate] of history) {
        const answers = await economy.live(operation, fate)
        expect(answers.slice(0, 1)).toMatchObject(fate === 'dies' ? [] : [model.predict(operation)])
        expect(answers.slice(1)).toEqual(answers.slice(0, -1).map(repeated))
        expect(await economy.books()).toEqual(model.books())
      }
    }),
    { numRuns: 300 },
  )
})

test('operations all at once leave sound books', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operations, { maxLength: 40 }), async (all) => {
      const economy = await Economy.start()
      await Promise.all(all.map((operation) => economy.live(operation, 'works')))
      expect((await economy.books()).broken).toEqual([])
    }),
  )
})

/** The real ledger on the memory store. */
class Economy {
  readonly #database = new MemoryDatabase()
  readonly #store = new MemoryLedgerStore(this.#database)
  readonly #clock = new ManualClock()

  static async start(): Promise<Economy> {
    const economy = new Economy()
    await economy.#transact(async (ledger) => {
      await ledger.openSystemAccounts()
      for (const accountId of USERS) await ledger.openAccount({ accountId, name: 'a user' })
    })
    return economy
  }

  /** What was answered: nothing when the transaction died, two answers when it was sent again. */
  async live(operation: Operation, fate: Fate): Promise<object[]> {
    this.#clock.advance(10)
    const transferId = newId('transfer', this.#clock.now(), rng)
    switch (fate) {
      case 'works':
        return [await this.#run(operation, transferId)]
      case 'is sent again':
        return [await this.#run(operation, transferId), await this.#run(operation, transferId)]
      case 'dies':
        await this.#cutOff(operation, transferId)
        return []
    }
  }

  async books() {
    const { broken, sums } = await this.#transact((ledger) => ledger.audit())
    const accounts = await this.#store.findAccountsForUpdate([...USERS, TREASURY, ESCROW])
    const balances = new Map(accounts.map(({ accountId, balance }) => [accountId, balance]))
    return { broken, holdsOpen: sums.holdsOpen, balances }
  }

  /** The answer, or the code of the refusal. */
  async #run(operation: Operation, transferId: TransferId): Promise<object> {
    try {
      return await this.#transact((ledger) => carryOut(ledger, operation, transferId))
    } catch (fault) {
      if (isFogError(fault)) return { refused: fault.code }
      throw fault
    }
  }

  async #cutOff(operation: Operation, transferId: TransferId): Promise<void> {
    const work = this.#transact(async (ledger) => {
      await carryOut(ledger, operation, transferId).catch(() => undefined)
      throw new Error('the process died')
    })
    await work.catch(() => undefined)
  }

  #transact<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
    return this.#database.transact(() => work(new Ledger({ store: this.#store, clock: this.#clock })))
  }
}

async function carryOut(ledger: Ledger, operation: Operation, transferId: TransferId): Promise<object> {
  const order = { transferId, reference: 'a test' }
  switch (operation.type) {
    case 'mint':
      return ledger.mint({ ...order, ...operation })
    case 'burn':
      return ledger.burn({ ...order, ...operation })
    case 'transfer':
      return ledger.transfer({ ...order, ...operation })
    case 'hold': {
      const { type: _, ...wanted } = operation
      return ledger.hold({ ...wanted, reference: 'a test' })
    }
    case 'settle':
      return ledger.settle(operation)
    case 'release':
      return ledger.release(operation.holdId)
    case 'credit':
      return ledger.credit({ ...order, ...operation })
  }
}

interface ModelHold {
  readonly accountId: AccountId
  readonly amount: bigint
  readonly end?: { readonly status: 'settled' | 'released'; readonly spent: bigint }
}

/** What must come of each operation, by the shortest way. */
class Model {
  readonly #balances = new Map([...USERS, TREASURY].map((accountId) => [accountId, 0n]))
  readonly #holds = new Map<HoldId, ModelHold>()

  /** The answer to expect; the model moves on as if it had been given. */
  predict(operation: Operation): object {
    switch (operation.type) {
      case 'mint':
        if (operation.amount === 0n) return { refused: 'ledger.amount_invalid' }
        this.#add(operation.accountId, operation.amount)
        return { kind: 'mint' }
      case 'burn':
        return this.#pay(operation.accountId, undefined, operation.amount)
      case 'transfer':
        if (operation.from === operation.to) return { refused: 'ledger.account_reserved' }
        return this.#pay(operation.from, operation.to, operation.amount)
      case 'hold':
        return this.#hold(operation)
      case 'settle': {
        const fee = { accountId: TREASURY, amount: operation.treasuryFee }
        return this.#end(operation.holdId, 'settled', [...operation.payments, fee])
      }
      case 'release':
        return this.#end(operation.holdId, 'released', [])
      case 'credit':
        return this.#credit(operation)
    }
  }

  books() {
    const open = [...this.#holds.values()].filter((hold) => !hold.end)
    const held = open.reduce((sum, hold) => sum + hold.amount, 0n)
    return { broken: [], holdsOpen: open.length, balances: new Map([...this.#balances, [ESCROW, held]]) }
  }

  #pay(from: AccountId, to: AccountId | undefined, size: bigint): object {
    const available = this.#balances.get(from)
    if (size > (available ?? 0n)) return { ok: false, available, needed: size }
    if (size === 0n) return { refused: 'ledger.amount_invalid' }
    this.#add(from, -size)
    if (to) this.#add(to, size)
    return { ok: true }
  }

  #credit({ accountId, amount: due }: { readonly accountId: AccountId; readonly amount: bigint }): object {
    const treasury = this.#balances.get(TREASURY)!
    const paid = due < treasury ? due : treasury
    this.#add(TREASURY, -paid)
    this.#add(accountId, paid)
    return { paid }
  }

  #hold(wanted: { readonly holdId: HoldId; readonly accountId: AccountId; readonly amount: bigint }): object {
    const first = this.#holds.get(wanted.holdId)
    if (first) {
      const same = first.accountId === wanted.accountId && first.amount === wanted.amount
      return same ? { ok: true, hold: first.end ?? { status: 'open' } } : { refused: 'ledger.hold_conflict' }
    }
    const available = this.#balances.get(wanted.accountId)
    if (wanted.amount > (available ?? 0n)) return { ok: false, available, needed: wanted.amount }
    this.#holds.set(wanted.holdId, wanted)
    this.#add(wanted.accountId, -wanted.amount)
    return { ok: true, hold: { status: 'open', spent: 0n } }
  }

  #end(
    holdId: HoldId,
    status: 'settled' | 'released',
    paid: readonly { readonly accountId: AccountId; readonly amount: bigint }[],
  ): object {
    const hold = this.#holds.get(holdId)
    if (!hold) return { refused: 'ledger.hold_not_found' }
    if (hold.end) return { hold: hold.end, refunded: hold.amount - hold.end.spent, repeated: true }
    const spent = paid.reduce((sum, payment) => sum + payment.amount, 0n)
    if (spent > hold.amount) return { refused: 'ledger.hold_exceeded' }
    for (const payment of paid) this.#add(payment.accountId, payment.amount)
    this.#add(hold.accountId, hold.amount - spent)
    this.#holds.set(holdId, { ...hold, end: { status, spent } })
    return { hold: { status, spent }, refunded: hold.amount - spent, repeated: false }
  }

  #add(accountId: AccountId, change: bigint): void {
    this.#balances.set(accountId, (this.#balances.get(accountId) ?? ZERO) + change)
  }
}

/** The same answer, saying so where it has a word for it. */
function repeated(outcome: object): object {
  return 'repeated' in outcome ? { ...outcome, repeated: true } : outcome
}
