export type * from './ledger-store.ts'
