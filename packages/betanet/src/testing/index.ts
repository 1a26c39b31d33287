export * from './directory-network.ts'
export * from './directory-store-suite.ts'
