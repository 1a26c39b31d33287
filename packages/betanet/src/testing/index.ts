export * from './client-network.ts'
export * from './directory-network.ts'
export * from './directory-store-suite.ts'
export * from './test-network.ts'
