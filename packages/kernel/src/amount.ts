import { FogError } from './errors.ts'

declare const amountTag: unique symbol
/** Money in the smallest unit: a millionth of a token. Never a float. */
export type Amount = bigint & { readonly [amountTag]: true }

export const UNITS_PER_TOKEN = 1_000_000n
export const ZERO = 0n as Amount

export class AmountError extends FogError<{ code: 'amount.malformed'; text: string }> {
  static override readonly texts = {
    'amount.malformed': {
      says: '"{text}" is not an amount of tokens.',
      fix: 'Write a number with at most six decimals, such as 50 or 0.25.',
    },
  }
}

export function amount(units: bigint): Amount {
  return units as Amount
}

/** Reads tokens as people write them, `50` or `0.25`, into units. */
export function parseTokens(tokens: string | number): Amount {
  const text = String(tokens).trim()
  const match = /^(\d{1,15})(?:\.(\d{1,6}))?$/.exec(text)
  if (!match) throw new AmountError({ code: 'amount.malformed', text: text.slice(0, 40) })
  return amount(BigInt(match[1]!) * UNITS_PER_TOKEN + BigInt((match[2] ?? '').padEnd(6, '0')))
}

/** Units as people read them: `1.25`, `0.000004`, `-3`. */
export function formatTokens(units: bigint): string {
  const sign = units < 0n ? '-' : ''
  const size = units < 0n ? -units : units
  const fraction = (size % UNITS_PER_TOKEN).toString().padStart(6, '0').replace(/0+$/, '')
  return `${sign}${size / UNITS_PER_TOKEN}${fraction ? `.${fraction}` : ''}`
}
