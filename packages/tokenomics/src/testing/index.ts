export * from './ledger-store-suite.ts'
