import { amount, isFogError, ManualClock, MemoryDatabase, newId, seededRng, ZERO } from '@fog/kernel'
import type { AccountId, TransferId } from '@fog/kernel'
import { beforeEach, describe, expect, test } from 'vitest'
import { Ledger } from './ledger.ts'
import { MemoryLedgerStore } from './memory-ledger-store.ts'
import { BURN, ESCROW, MINT, TREASURY } from './system-accounts.ts'
import { transferIdOf } from './transfer-id.ts'

const clock = new ManualClock()
const rng = seededRng(3)
let ledger: Ledger
let alice: AccountId
let bob: AccountId

beforeEach(async () => {
  ledger = new Ledger({ store: new MemoryLedgerStore(new MemoryDatabase()), clock }, { maxPage: 5 })
  await ledger.openSystemAccounts()
  alice = await opened('alice')
  bob = await opened('bob')
  await ledger.mint({ ...order(100n), accountId: alice })
})

describe('minting and burning', () => {
  test('minted money is owed by the mint', async () => {
    expect(await balances(alice, MINT)).toEqual([100n, -100n])
  })

  test('an order given again with the same id is carried out once', async () => {
    const grant = { ...order(7n), accountId: bob }
    expect(await ledger.mint(grant)).toEqual(await ledger.mint(grant))
    expect(await balances(bob)).toEqual([7n])
  })

  test('an id that was used for another order is refused', async () => {
    const grant = { ...order(7n), accountId: bob }
    await ledger.mint(grant)
    for (const other of [{ amount: amount(8n) }, { accountId: alice }, { reference: 'other' }]) {
      expect(await codeOf(ledger.mint({ ...grant, ...other }))).toBe('ledger.transfer_conflict')
    }
    expect(await balances(bob)).toEqual([7n])
  })

  test('burned money is gone for good', async () => {
    expect(await ledger.burn({ ...order(30n), accountId: alice })).toMatchObject({ ok: true })
    expect(await balances(alice, BURN)).toEqual([70n, 30n])
    expect((await ledger.audit()).sums).toMatchObject({ minted: 100n, burned: 30n })
  })
})

describe('credits', () => {
  const settleFee = async (fee: bigint) => {
    const holdId = newId('hold', clock.now(), rng)
    await ledger.hold({ holdId, accountId: bob, amount: amount(fee), reference: 'a job' })
    await ledger.settle({ holdId, payments: [], treasuryFee: amount(fee) })
  }

  test('are paid out of the treasury, and never more than it has', async () => {
    await ledger.mint({ ...order(20n), accountId: bob })
    await settleFee(15n)
    expect(await ledger.credit({ ...order(10n), accountId: alice })).toMatchObject({
      paid: 10n,
      transfer: { kind: 'credit', reference: 'a test' },
    })
    expect(await ledger.credit({ ...order(10n), accountId: alice })).toMatchObject({ paid: 5n })
    expect(await ledger.credit({ ...order(10n), accountId: alice })).toEqual({ paid: 0n, transfer: undefined })
    expect(await balances(alice, TREASURY)).toEqual([115n, 0n])
    expect((await ledger.audit()).broken).toEqual([])
  })

  test('given again with the same id are paid once, and refused when they are not the same', async () => {
    await ledger.mint({ ...order(20n), accountId: bob })
    await settleFee(15n)
    const credit = { ...order(4n), accountId: alice }
    expect(await ledger.credit(credit)).toEqual(await ledger.credit(credit))
    expect(await balances(alice, TREASURY)).toEqual([104n, 11n])
    expect(await codeOf(ledger.credit({ ...credit, accountId: bob }))).toBe('ledger.transfer_conflict')
    expect(await codeOf(ledger.credit({ ...credit, reference: 'other' }))).toBe('ledger.transfer_conflict')
    expect(await codeOf(ledger.credit({ ...credit, accountId: ESCROW }))).toBe('ledger.account_reserved')
  })
})

describe('transfers', () => {
  test('a transfer moves money between two accounts', async () => {
    expect(await ledger.transfer({ ...order(40n), from: alice, to: bob })).toMatchObject({
      ok: true,
      transfer: { kind: 'transfer', reference: 'a test', at: clock.now() },
    })
    expect(await balances(alice, bob)).toEqual([60n, 40n])
  })

  test('lacking funds is an answer that names what is there', async () => {
    expect(await ledger.transfer({ ...order(101n), from: alice, to: bob })).toEqual({
      ok: false,
      reason: 'insufficient_funds',
      available: 100n,
      needed: 101n,
    })
    expect(await balances(alice, bob)).toEqual([100n, 0n])
  })

  test('a transfer given again answers the first, even when the money is gone since', async () => {
    const first = { ...order(100n), from: alice, to: bob }
    const outcome = await ledger.transfer(first)
    expect(await ledger.transfer(first)).toEqual(outcome)
    expect(await balances(alice, bob)).toEqual([0n, 100n])
  })

  test.each([0n, -5n])('an amount of %d is refused', async (size) => {
    expect(await codeOf(ledger.transfer({ ...order(size), from: alice, to: bob }))).toBe('ledger.amount_invalid')
    expect(await codeOf(ledger.mint({ ...order(size), accountId: bob }))).toBe('ledger.amount_invalid')
    expect(await codeOf(ledger.burn({ ...order(size), accountId: bob }))).toBe('ledger.amount_invalid')
  })

  test.each([ESCROW, MINT, BURN])('%s takes part in no payment by hand', async (reserved) => {
    const code = 'ledger.account_reserved'
    expect(await codeOf(ledger.transfer({ ...order(1n), from: alice, to: reserved }))).toBe(code)
    expect(await codeOf(ledger.transfer({ ...order(1n), from: reserved, to: alice }))).toBe(code)
    expect(await codeOf(ledger.mint({ ...order(1n), accountId: reserved }))).toBe(code)
    expect(await codeOf(ledger.burn({ ...order(1n), accountId: reserved }))).toBe(code)
    expect(await codeOf(ledger.hold({ ...wanted(1n), accountId: reserved }))).toBe(code)
    const { holdId } = await held(10n)
    const payments = [payment(reserved, 1n)]
    expect(await codeOf(ledger.settle({ holdId, payments }))).toBe(code)
  })

  test('an account pays others, not itself', async () => {
    expect(await codeOf(ledger.transfer({ ...order(1n), from: alice, to: alice }))).toBe('ledger.account_reserved')
  })

  test('an account nobody opened neither pays nor is paid', async () => {
    const nobody = newId('account', clock.now(), rng)
    const code = 'ledger.account_not_found'
    expect(await codeOf(ledger.transfer({ ...order(1n), from: alice, to: nobody }))).toBe(code)
    expect(await codeOf(ledger.transfer({ ...order(1n), from: nobody, to: alice }))).toBe(code)
    expect(await codeOf(ledger.hold({ ...wanted(1n), accountId: nobody }))).toBe(code)
    expect(await codeOf(ledger.mint({ ...order(1n), accountId: nobody }))).toBe(code)
  })
})

describe('holds', () => {
  test('a hold takes money out of reach until it ends', async () => {
    const request = wanted(80n)
    const outcome = await ledger.hold(request)
    expect(outcome).toEqual({
      ok: true,
      hold: { ...request, status: 'open', openedAt: clock.now(), spent: 0n },
    })
    expect(await balances(alice, ESCROW)).toEqual([20n, 80n])
    expect(await ledger.transfer({ ...order(21n), from: alice, to: bob })).toMatchObject({ ok: false, available: 20n })
  })

  test('a hold above the funds is refused with what is there and what is needed', async () => {
    expect(await ledger.hold(wanted(101n))).toEqual({
      ok: false,
      reason: 'insufficient_funds',
      available: 100n,
      needed: 101n,
    })
    expect(await balances(alice, ESCROW)).toEqual([100n, 0n])
  })

  test('a refused hold can be asked for again when there are funds', async () => {
    const request = wanted(150n)
    await ledger.hold(request)
    await ledger.mint({ ...order(50n), accountId: alice })
    expect(await ledger.hold(request)).toMatchObject({ ok: true })
    expect(await balances(alice, ESCROW)).toEqual([0n, 150n])
  })

  test('a hold asked for again is the first one, whatever became of it', async () => {
    const request = wanted(80n)
    expect(await ledger.hold(request)).toEqual(await ledger.hold(request))
    expect(await balances(alice, ESCROW)).toEqual([20n, 80n])
    await ledger.release(request.holdId)
    expect(await ledger.hold(request)).toMatchObject({ ok: true, hold: { status: 'released' } })
    expect(await balances(alice, ESCROW)).toEqual([100n, 0n])
  })

  test('a hold id used for something else is refused', async () => {
    const request = wanted(80n)
    await ledger.hold(request)
    expect(await codeOf(ledger.hold({ ...request, amount: amount(81n) }))).toBe('ledger.hold_conflict')
    expect(await codeOf(ledger.hold({ ...request, accountId: bob }))).toBe('ledger.hold_conflict')
    expect(await codeOf(ledger.hold({ ...request, reference: 'other' }))).toBe('ledger.hold_conflict')
  })

  test('what is free is held and settled all the same, and moves nothing', async () => {
    const { holdId } = await held(0n)
    expect(await ledger.settle({ holdId, payments: [{ accountId: bob, amount: ZERO }] })).toEqual({
      hold: expect.objectContaining({ status: 'settled', spent: 0n }),
      transfer: undefined,
      refunded: 0n,
      repeated: false,
    })
    expect((await ledger.audit()).broken).toEqual([])
  })

  test('a hold below zero is refused', async () => {
    expect(await codeOf(ledger.hold(wanted(-1n)))).toBe('ledger.amount_invalid')
  })
})

describe('settling', () => {
  test('payments, fee and remainder leave escrow in one balanced transfer', async () => {
    const { holdId } = await held(80n)
    clock.advance(5_000)
    const payments = [payment(bob, 50n)]
    const end = await ledger.settle({ holdId, payments, treasuryFee: amount(5n) })
    expect(end).toMatchObject({
      hold: { status: 'settled', spent: 55n, closedAt: clock.now() },
      refunded: 25n,
      repeated: false,
    })
    expect({ ...end.transfer, postings: new Set(end.transfer?.postings) }).toEqual({
      transferId: transferIdOf(holdId, 'settle'),
      kind: 'settle',
      reference: 'a test',
      at: clock.now(),
      postings: new Set([
        { accountId: ESCROW, amount: -80n },
        { accountId: TREASURY, amount: 5n },
        { accountId: alice, amount: 25n },
        { accountId: bob, amount: 50n },
      ]),
    })
    expect(await balances(alice, bob, TREASURY, ESCROW)).toEqual([45n, 50n, 5n, 0n])
  })

  test('several payments to one account are paid as one, the holder and the treasury too', async () => {
    const { holdId } = await held(80n)
    const payments = [payment(bob, 10n), payment(alice, 20n), payment(bob, 15n), payment(TREASURY, 1n)]
    const { transfer, hold } = await ledger.settle({ holdId, payments, treasuryFee: amount(4n) })
    expect(transfer?.postings).toHaveLength(4)
    expect(hold.spent).toBe(50n)
    expect(await balances(alice, bob, TREASURY, ESCROW)).toEqual([70n, 25n, 5n, 0n])
  })

  test('a hold is settled once: later calls answer the first end and change nothing', async () => {
    const { holdId } = await held(80n)
    const first = await ledger.settle({ holdId, payments: [payment(bob, 50n)] })
    const second = await ledger.settle({ holdId, payments: [payment(bob, 80n)] })
    expect(second).toEqual({ ...first, repeated: true })
    expect(await ledger.release(holdId)).toEqual({ ...first, repeated: true })
    expect(await balances(alice, bob, ESCROW)).toEqual([50n, 50n, 0n])
  })

  test('a released hold pays nobody', async () => {
    const { holdId } = await held(80n)
    const first = await ledger.release(holdId)
    expect(first).toMatchObject({ hold: { status: 'released', spent: 0n }, refunded: 80n, repeated: false })
    const settlement = { holdId, payments: [payment(bob, 50n)] }
    expect(await ledger.settle(settlement)).toEqual({ ...first, repeated: true })
    expect(await balances(alice, bob, ESCROW)).toEqual([100n, 0n, 0n])
  })

  test('payments above the hold are refused whole', async () => {
    const { holdId } = await held(80n)
    const settlement = { holdId, payments: [payment(bob, 80n)], treasuryFee: amount(1n) }
    expect(await codeOf(ledger.settle(settlement))).toBe('ledger.hold_exceeded')
    expect(await balances(bob, TREASURY, ESCROW)).toEqual([0n, 0n, 80n])
    expect(await ledger.release(holdId)).toMatchObject({ repeated: false })
  })

  test('a negative payment or fee is refused', async () => {
    const { holdId } = await held(80n)
    const back = amount(-1n)
    expect(await codeOf(ledger.settle({ holdId, payments: [{ accountId: bob, amount: back }] }))).toBe(
      'ledger.amount_invalid',
    )
    expect(await codeOf(ledger.settle({ holdId, payments: [], treasuryFee: back }))).toBe('ledger.amount_invalid')
  })

  test('a hold nobody opened cannot end', async () => {
    const { holdId } = wanted(1n)
    expect(await codeOf(ledger.settle({ holdId, payments: [] }))).toBe('ledger.hold_not_found')
    expect(await codeOf(ledger.release(holdId))).toBe('ledger.hold_not_found')
  })
})

describe('statements', () => {
  test('a statement shows what moved, newest first, a page at a time', async () => {
    for (const size of [1n, 2n, 3n]) {
      clock.advance(1)
      await ledger.transfer({ ...order(size), from: alice, to: bob })
    }
    const first = await ledger.statement({ accountId: alice, limit: 3 })
    expect(first.account.balance).toBe(94n)
    expect(first.entries.map((entry) => entry.change)).toEqual([-3n, -2n, -1n])
    const rest = await ledger.statement({ accountId: alice, before: first.next, limit: 3 })
    expect(rest.entries).toEqual([expect.objectContaining({ kind: 'mint', change: 100n, reference: 'a test' })])
    expect(rest.next).toBeUndefined()
  })

  test('a page is never longer than the setting', async () => {
    for (let i = 0; i < 6; i++) await ledger.transfer({ ...order(1n), from: alice, to: bob })
    expect((await ledger.statement({ accountId: alice, limit: 1_000 })).entries).toHaveLength(5)
  })

  test('an account nobody opened has no statement', async () => {
    const accountId = newId('account', clock.now(), rng)
    expect(await codeOf(ledger.statement({ accountId, limit: 1 }))).toBe('ledger.account_not_found')
  })
})

test('money cannot move before the system accounts are open', async () => {
  const bare = new Ledger({ store: new MemoryLedgerStore(new MemoryDatabase()), clock })
  await bare.openAccount({ accountId: alice, name: 'alice' })
  await expect(bare.hold(wanted(1n))).rejects.toThrow('system accounts')
})

async function opened(name: string): Promise<AccountId> {
  const accountId = newId('account', clock.now(), rng)
  await ledger.openAccount({ accountId, name })
  return accountId
}

function order(size: bigint) {
  const transferId: TransferId = newId('transfer', clock.now(), rng)
  return { transferId, amount: amount(size), reference: 'a test' }
}

function wanted(size: bigint) {
  return { holdId: newId('hold', clock.now(), rng), accountId: alice, amount: amount(size), reference: 'a test' }
}

async function held(size: bigint) {
  const request = wanted(size)
  expect(await ledger.hold(request)).toMatchObject({ ok: true })
  return request
}

function payment(accountId: AccountId, size: bigint) {
  return { accountId, amount: amount(size) }
}

async function balances(...accountIds: AccountId[]) {
  return Promise.all(accountIds.map(async (accountId) => (await ledger.findAccount(accountId))?.balance))
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (fault: unknown) => (isFogError(fault) ? fault.code : String(fault)),
  )
}
