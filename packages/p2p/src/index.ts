export * from './memory-transport.ts'
export * from './peer-id.ts'
export * from './transport.ts'
export * from './streams/index.ts'
