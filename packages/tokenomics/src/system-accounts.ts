import { systemAccount } from '@fog/kernel'
import type { AccountId } from '@fog/kernel'
import type { AccountKind } from './ledger-store.ts'

/** Holds money between a hold and its end. Its balance is the sum of the open holds. */
export const ESCROW = systemAccount('escrow')
/** Takes the platform's fees. */
export const TREASURY = systemAccount('treasury')
/** Where money comes from: its balance is minus all that was ever made. */
export const MINT = systemAccount('mint')
/** Where money ends. */
export const BURN = systemAccount('burn')

/** The accounts every ledger has, in the order of ids. */
export const SYSTEM_ACCOUNTS: readonly { readonly accountId: AccountId; readonly kind: AccountKind }[] = [
  { accountId: BURN, kind: 'burn' },
  { accountId: MINT, kind: 'mint' },
  { accountId: ESCROW, kind: 'escrow' },
  { accountId: TREASURY, kind: 'treasury' },
]

/** Whether only the ledger's own rules may move money in or out: escrow, mint and burn. */
export function isReserved(accountId: AccountId): boolean {
  return accountId === ESCROW || accountId === MINT || accountId === BURN
}
