export * from './node-store-suite.ts'
