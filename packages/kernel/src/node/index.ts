export * from './crypto.ts'
export * from './system.ts'
