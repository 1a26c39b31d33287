import { amount, assert, ZERO } from '@fog/kernel'
import type { AccountId, Amount } from '@fog/kernel'

/** Prices are given for this much fuel. */
export const GIGAFUEL = 1_000_000_000n

/** What a unit of work costs. */
export interface Rate {
  /** Units of money for 10^9 fuel. */
  readonly unitsPerGigafuel: Amount
  /** The tier's multiplier in thousandths: 2000 costs twice the base price. */
  readonly priceMilli: number
}

export interface TaskQuote extends Rate {
  /** The most fuel one run may use. */
  readonly fuelLimit: bigint
  /** Results that must agree, each of them paid. */
  readonly quorum: number
}

/** The most a task can cost: each of its results at the whole fuel limit. */
export function quoteTask({ fuelLimit, quorum, ...rate }: TaskQuote): Amount {
  assert(Number.isSafeInteger(quorum) && quorum > 0, 'a task has at least one result')
  return amount(fuelPrice(fuelLimit, rate) * BigInt(quorum))
}

export interface WorkDone extends Rate {
  readonly fuelUsed: bigint
  /** The most this result can cost, as quoted with a quorum of one. */
  readonly cap: Amount
}

/** What one accepted result costs. Part units count whole, so rounding never favours the payer, yet never above the cap. */
export function priceOf({ fuelUsed, cap, ...rate }: WorkDone): Amount {
  const price = fuelPrice(fuelUsed, rate)
  return price < cap ? price : cap
}

function fuelPrice(fuel: bigint, { unitsPerGigafuel, priceMilli }: Rate): Amount {
  assert(fuel >= 0n && unitsPerGigafuel >= 0n, 'fuel and its price are never negative')
  assert(Number.isSafeInteger(priceMilli) && priceMilli >= 0, 'a price multiplier is a whole number of thousandths')
  const thousandths = fuel * unitsPerGigafuel * BigInt(priceMilli)
  return amount(divideUp(thousandths, GIGAFUEL * 1_000n))
}

function divideUp(whole: bigint, by: bigint): bigint {
  return (whole + by - 1n) / by
}

export interface Split {
  readonly worker: Amount
  readonly treasury: Amount
}

/** Splits a payment between worker and treasury. The treasury takes the rounding, so no unit is ever lost. */
export function splitPayment(payment: Amount, feeBasisPoints: bigint): Split {
  assert(payment >= 0n, 'a payment is never negative')
  assert(feeBasisPoints >= 0n && feeBasisPoints <= 10_000n, 'a fee cannot exceed the payment')
  const worker = amount((payment * (10_000n - feeBasisPoints)) / 10_000n)
  return { worker, treasury: amount(payment - worker) }
}

export interface Payment {
  readonly accountId: AccountId
  readonly amount: Amount
}

/** One payment an account, in the order of ids. Payments of nothing are left out. */
export function mergePayments(payments: readonly Payment[]): Payment[] {
  const sums = new Map<AccountId, Amount>()
  for (const payment of payments) {
    sums.set(payment.accountId, amount((sums.get(payment.accountId) ?? ZERO) + payment.amount))
  }
  return [...sums]
    .filter(([, sum]) => sum !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([accountId, sum]) => ({ accountId, amount: sum }))
}

/**
 * Shares an amount out in proportion to the weights, to the last unit: each gets its whole part, and the units left over
 * go one each to the largest remainders, the earlier first among equals (Hamilton's method).
 */
export function shareOut(whole: Amount, weights: readonly bigint[]): Amount[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n)
  assert(whole >= 0n && weights.every((weight) => weight >= 0n), 'amounts and weights are never negative')
  assert(sum > 0n, 'somebody must have a weight')
  const shares = weights.map((weight) => (whole * weight) / sum)
  const remainders = weights.map((weight, index) => ({ index, remainder: (whole * weight) % sum }))
  remainders.sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
  const left = whole - shares.reduce((total, share) => total + share, 0n)
  for (const { index } of remainders.slice(0, Number(left))) shares[index]! += 1n
  return shares.map(amount)
}
