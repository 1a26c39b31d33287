export * from './node.ts'
export type * from './node-store.ts'
