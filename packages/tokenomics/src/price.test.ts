import { amount } from '@fog/kernel'
import type { AccountId, Amount } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GIGAFUEL, mergePayments, priceOf, quoteTask, shareOut, splitPayment } from './price.ts'

const amounts = fc.bigInt({ min: 0n, max: 10n ** 24n }).map(amount)
const fuels = fc.bigInt({ min: 0n, max: 10n ** 18n })
const rates = fc.record({
  unitsPerGigafuel: fc.bigInt({ min: 0n, max: 10n ** 12n }).map(amount),
  priceMilli: fc.nat(10_000),
})

describe('prices', () => {
  test('a price is fuel by rate by tier', () => {
    const rate = { unitsPerGigafuel: amount(1_000n), priceMilli: 2_000 }
    expect(quoteTask({ ...rate, fuelLimit: 5n * GIGAFUEL, quorum: 1 })).toBe(10_000n)
    expect(quoteTask({ ...rate, fuelLimit: 5n * GIGAFUEL, quorum: 3 })).toBe(30_000n)
    expect(priceOf({ ...rate, fuelUsed: 3n * GIGAFUEL, cap: amount(10_000n) })).toBe(6_000n)
  })

  test('a part of a unit is paid as a whole one', () => {
    const rate = { unitsPerGigafuel: amount(1_000n), priceMilli: 500 }
    expect(priceOf({ ...rate, fuelUsed: 1n, cap: amount(100n) })).toBe(1n)
    expect(priceOf({ ...rate, fuelUsed: 2_000_000n, cap: amount(100n) })).toBe(1n)
    expect(priceOf({ ...rate, fuelUsed: 2_000_001n, cap: amount(100n) })).toBe(2n)
  })

  test('no fuel and a free fog cost nothing', () => {
    expect(priceOf({ unitsPerGigafuel: amount(9n), priceMilli: 1_000, fuelUsed: 0n, cap: amount(5n) })).toBe(0n)
    expect(quoteTask({ unitsPerGigafuel: amount(0n), priceMilli: 4_000, fuelLimit: 10n ** 15n, quorum: 2 })).toBe(0n)
  })

  test('all results of a task, within its fuel limit, cost at most its quote', () => {
    fc.assert(
      fc.property(rates, fuels, fc.integer({ min: 1, max: 5 }), fc.array(fuels), (rate, fuelLimit, quorum, used) => {
        const quote = quoteTask({ ...rate, fuelLimit, quorum })
        const cap = quoteTask({ ...rate, fuelLimit, quorum: 1 })
        const prices = used.slice(0, quorum).map((fuelUsed) => priceOf({ ...rate, fuelUsed, cap }))
        expect(prices.reduce((sum, price) => sum + price, 0n)).toBeLessThanOrEqual(quote)
      }),
    )
  })

  test('a price below its cap is never under the exact one, and less than one unit over', () => {
    fc.assert(
      fc.property(rates, fuels, (rate, fuelUsed) => {
        const price = priceOf({ ...rate, fuelUsed, cap: amount(10n ** 40n) })
        const exact = fuelUsed * rate.unitsPerGigafuel * BigInt(rate.priceMilli)
        const over = price * GIGAFUEL * 1_000n - exact
        expect(over >= 0n && over < GIGAFUEL * 1_000n).toBe(true)
      }),
    )
  })

  test('more fuel never costs less', () => {
    fc.assert(
      fc.property(rates, fuels, fuels, amounts, (rate, a, b, cap) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        expect(priceOf({ ...rate, fuelUsed: less, cap })).toBeLessThanOrEqual(priceOf({ ...rate, fuelUsed: more, cap }))
      }),
    )
  })

  test('a quote without a result, a negative fuel or a broken multiplier is a mistake of ours', () => {
    const rate = { unitsPerGigafuel: amount(1n), priceMilli: 1_000 }
    expect(() => quoteTask({ ...rate, fuelLimit: 1n, quorum: 0 })).toThrow('at least one result')
    expect(() => quoteTask({ ...rate, fuelLimit: -1n, quorum: 1 })).toThrow('never negative')
    expect(() => quoteTask({ ...rate, priceMilli: 0.5, fuelLimit: 1n, quorum: 1 })).toThrow('whole number')
  })
})

describe('splits', () => {
  test('a split neither makes nor loses units, and rounds for the treasury', () => {
    fc.assert(
      fc.property(amounts, fc.bigInt({ min: 0n, max: 10_000n }), (payment, feeBasisPoints) => {
        const { worker, treasury } = splitPayment(payment, feeBasisPoints)
        expect(worker + treasury).toBe(payment)
        expect(worker >= 0n && treasury >= 0n).toBe(true)
        expect(treasury * 10_000n >= payment * feeBasisPoints).toBe(true)
        expect(treasury * 10_000n < payment * feeBasisPoints + 10_000n).toBe(true)
      }),
    )
  })

  test('a fee above the payment is a mistake of ours', () => {
    expect(() => splitPayment(amount(1n), 10_001n)).toThrow('a fee cannot exceed the payment')
  })

  test('shares sum to the whole, and each is within one unit of its exact part', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1 })
    fc.assert(
      fc.property(amounts, weights, (whole, weights) => {
        const sum = weights.reduce((total, weight) => total + weight, 0n)
        fc.pre(sum > 0n)
        const shares = shareOut(whole, weights)
        expect(shares.reduce((total, share) => total + share, 0n)).toBe(whole)
        shares.forEach((share, i) => {
          const off = share * sum - whole * weights[i]!
          expect(off > -sum && off < sum).toBe(true)
        })
      }),
    )
  })

  test('units left over go to the largest remainders, the earlier first among equals', () => {
    expect(shareOut(amount(10n), [1n, 1n, 1n])).toEqual([4n, 3n, 3n])
    expect(shareOut(amount(10n), [50n, 26n, 24n])).toEqual([5n, 3n, 2n])
    expect(shareOut(amount(1n), [0n, 1n])).toEqual([0n, 1n])
  })

  test('nothing can be shared among nobody', () => {
    expect(() => shareOut(amount(1n), [])).toThrow('somebody')
    expect(() => shareOut(amount(1n), [0n])).toThrow('somebody')
  })
})

describe('merging', () => {
  const ids = fc.constantFrom('acct_a', 'acct_b', 'acct_c').map((id) => id as AccountId)
  const payments = fc.array(fc.record({ accountId: ids, amount: amounts }))

  test('merged payments are one an account, in order, and of the same sum', () => {
    fc.assert(
      fc.property(payments, (payments) => {
        const merged = mergePayments(payments)
        const accounts = merged.map((payment) => payment.accountId)
        expect(sumOf(merged)).toBe(sumOf(payments))
        expect(accounts).toEqual([...new Set(accounts)].sort())
        expect(merged.every((payment) => payment.amount !== 0n)).toBe(true)
      }),
    )
  })
})

function sumOf(parts: readonly { readonly amount: Amount }[]): bigint {
  return parts.reduce((sum, part) => sum + part.amount, 0n)
}
