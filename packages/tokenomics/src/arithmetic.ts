import { amount } from '@fog/kernel'
import type { Amount } from '@fog/kernel'

export function minus(size: Amount): Amount {
  return amount(0n - size)
}

export function total(amounts: readonly Amount[]): Amount {
  return amount(amounts.reduce((sum, each) => sum + each, 0n))
}
