export * from './transport-suite.ts'
export * from './rough-network.ts'
